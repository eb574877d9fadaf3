#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "core/metrics/histogram.hpp"

namespace s3link::sqlite_store {

/// What the store's writing takes, measured where it is done: each costs a few additions, beside a disk's sync.
/// Thread safety: any number of calls at a time.
struct StoreMeter {
  static constexpr std::array<std::uint64_t, 15> kSyncBounds = {100,     250,     500,       1'000,     2'500,
                                                                5'000,   10'000,  25'000,    50'000,    100'000,
                                                                250'000, 500'000, 1'000'000, 2'500'000, 10'000'000};
  static constexpr std::array<std::uint64_t, 11> kBatchBounds = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1'000};

  metrics::Histogram batches{kBatchBounds, 1};                           ///< writes in a transaction that was committed
  metrics::Histogram commits{kSyncBounds, metrics::kMicroseconds};       ///< COMMIT, with the log's sync
  metrics::Histogram body_syncs{kSyncBounds, metrics::kMicroseconds};    ///< of a body file
  metrics::Histogram folder_syncs{kSyncBounds, metrics::kMicroseconds};  ///< of a folder of body files
  std::atomic<std::uint64_t> failed_transactions = 0;                    ///< that none of their writes survived
  std::atomic<std::uint64_t> log_bytes = 0;             ///< in the database's log that are not yet written back and cut
  std::atomic<std::uint64_t> log_held = 0;              ///< 1: it is large, and a reader keeps it from being cut
  std::atomic<std::uint64_t> backup_running = 0;        ///< 1: a backup holds its lock
  std::atomic<std::uint64_t> backup_quiet_seconds = 0;  ///< since that one got further
  std::atomic<std::uint64_t> backups_broken_off = 0;
};

/// Shows a histogram how long its own life was.
class Stopwatch {
 public:
  explicit Stopwatch(metrics::Histogram& histogram) : histogram_(histogram), began_(std::chrono::steady_clock::now()) {}
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;
  ~Stopwatch() { histogram_.observe(std::chrono::steady_clock::now() - began_); }

 private:
  metrics::Histogram& histogram_;
  const std::chrono::steady_clock::time_point began_;
};

}  // namespace s3link::sqlite_store
