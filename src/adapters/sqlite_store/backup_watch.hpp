#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <vector>

#include "adapters/sqlite_store/backup_lock.hpp"
#include "adapters/sqlite_store/health.hpp"
#include "adapters/sqlite_store/meter.hpp"
#include "adapters/sqlite_store/store.hpp"
#include "ports/logger.hpp"

namespace s3link::sqlite_store {

/// The server's eye on the backups of its folder: bounds how long one keeps files from being unlinked, and how far one
/// that reads the database lets the log grow. A backup that is over a bound is broken off: it loses the lock, and one
/// that still reads while the log cannot be cut, because it is stopped or hangs, is killed.
/// Thread safety: any number of calls at a time.
class BackupWatch {
 public:
  using Clock = std::chrono::steady_clock;
  /// How long a backup that was broken off gets to end by itself.
  static constexpr std::chrono::seconds kGrace{2};
  /// Without progress, one that reads hangs: it reads and writes on the data folder's own disk.
  static constexpr std::chrono::seconds kHangs{3};

  /// What is passed by reference must outlive it; `logger` may be null. `kill` ends a process; a test's may only say
  /// so.
  BackupWatch(BackupLock lock, BackupBounds bounds, const Health& health, StoreMeter& meter, ports::Logger* logger,
              std::function<void(pid_t)> kill = {});

  /// To be called about once a second.
  void look(Clock::time_point now);
  /// For who unlinks: at once. Errors: conflict (a backup is being made), internal (I/O).
  Result<BackupLock::Hold> try_exclude();
  BackupStatus status() const;

 private:
  /// One that lost the lock and has not ended yet.
  struct Broken {
    BackupLock lock;
    Clock::time_point since;
    bool killed = false;
  };

  void look_at_holder(Clock::time_point now);
  void look_at_broken(Clock::time_point now);
  void forget_holder();
  std::string reason_to_break_off(Clock::time_point now) const;
  void break_off(Clock::time_point now, const std::string& why);
  void log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) const;

  const BackupBounds bounds_;
  const Health& health_;
  StoreMeter& meter_;
  ports::Logger* const logger_;
  const std::function<void(pid_t)> kill_;

  mutable std::mutex mutex_;
  BackupLock lock_;
  BackupStatus status_;
  Clock::time_point began_;
  Clock::time_point got_further_;
  std::uint64_t progress_ = 0;
  std::list<Broken> broken_;
};

}  // namespace s3link::sqlite_store
