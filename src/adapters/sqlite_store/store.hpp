#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "adapters/sqlite_store/backup_bounds.hpp"
#include "adapters/sqlite_store/bucket_quota.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/event/origins.hpp"
#include "ports/access_log_journal.hpp"
#include "ports/alarm_store.hpp"
#include "ports/bucket_store.hpp"
#include "ports/clock_store.hpp"
#include "ports/dead_letter_queue.hpp"
#include "ports/delivery_log.hpp"
#include "ports/ledger.hpp"
#include "ports/logger.hpp"
#include "ports/outbox.hpp"
#include "ports/store_statistics.hpp"

namespace s3link::sqlite_store {

/// What the server sees of backups of its folder.
struct BackupStatus {
  bool running = false;
  bool stalled = false;           ///< it has not got further for half of max_pause
  std::chrono::seconds quiet{0};  ///< since it got further
  std::string broken_off;         ///< why the last one was; empty: it was not
  std::uint64_t broken_offs = 0;  ///< since the store was opened
};

struct StoreOptions {
  std::filesystem::path data_dir;         ///< created (0700) where missing
  Secret master_key;                      ///< 32 raw bytes
  std::string region;                     ///< of event records whose origin names none
  std::uint64_t max_pending = 1'000'000;  ///< writes with an event are refused (SlowDown) while that many wait
  BucketQuota quota = {};                 ///< none by default
  BackupBounds backup = {};
  ports::Logger* logger = nullptr;  ///< told of a log that cannot be cut and of backups; null: nobody. Must outlive it
};

struct StoreHooks;
struct StoreMeter;
struct RestoredFolder;

/// Objects, events, ledger and dead letters in one SQLite database with encrypted body files beside it.
/// Formats: docs/formats/store.md and docs/formats/body-file.md.
///
/// Thread safety: the ports may be called from any executor. Every call must have come back, and every BodyWriter and
/// BodyReader be gone, before the store is destroyed or the executor's context is.
class Store {
 public:
  /// Takes data_dir/lock, creates or migrates the database, removes what an interrupted run left behind.
  /// Errors: conflict (another process has the folder; made by a newer version; no database beside stored bodies),
  /// denied (wrong master key), invalid_argument (master key not 32 bytes), corrupt, transient (disk full), internal
  /// (I/O).
  static Result<std::unique_ptr<Store>> open(StoreOptions options);
  /// The same over another file system or SQLite VFS: for tests. The hooks' targets must outlive the store.
  static Result<std::unique_ptr<Store>> open(StoreOptions options, const StoreHooks& hooks);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  /// Finishes queued commits, writes the log back into the database, stops its threads.
  ~Store();

  ports::BucketStore& buckets() noexcept;
  ports::Outbox& outbox() noexcept;
  ports::Ledger& ledger() noexcept;
  ports::DeliveryLog& deliveries() noexcept;
  ports::DeadLetterQueue& dead_letters() noexcept;
  ports::AlarmStore& alarms() noexcept;
  ports::AccessLogJournal& access_log_journal() noexcept;
  ports::ClockStore& clock() noexcept;
  ports::StatisticsReader& statistics() noexcept;

  /// What was found in the folder, when it was opened for the first time after it was copied out of a backup.
  const std::optional<RestoredFolder>& restored() const noexcept;

  /// Of the sequencers of its events and the ids of its notifications.
  const event::Origins& origins() const noexcept;

  BackupStatus backup_status() const;

  /// What writing took since the store was opened.
  const StoreMeter& meter() const noexcept;

  /// Whether uploads to the exchange bucket are taken as far as the outbox is concerned. Errors: transient, code
  /// SlowDown (max_pending); those of reading.
  Awaitable<Status> outbox_room();
  /// Has a worker and then the writer do a turn, with a transaction that changes nothing, and calls `answered` from one
  /// of the store's threads: for a watchdog. Never, where they do not come to it; with an error where writes are
  /// refused until the store is opened again. Not after the store's destruction has begun.
  void ask(std::function<void(Status)> answered);

  /// Whether a body may be stored as far as space is concerned, the database's reserve being left. Errors: transient.
  Status room_for_bodies() const;
  /// Has a worker try whether bodies can be stored and read, with a small file of its own below objects/, and calls
  /// `answered` from one of the store's threads; where the disk hangs, when it goes on. Without room, and where writes
  /// are refused, nothing is tried, and nothing is wrong. Errors: as of an upload. One call at a time; not after the
  /// store's destruction has begun.
  void probe(std::function<void(Status)> answered);

  /// What the group commit has done since the store was opened.
  struct CommitCounters {
    std::uint64_t transactions = 0;
    std::uint64_t requests = 0;  ///< writes in them
    std::uint64_t largest_group = 0;
  };
  CommitCounters commit_counters() const noexcept;

 private:
  struct Parts;
  explicit Store(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Reads the master key, or makes one at the first start: 64 hexadecimal characters and a newline, mode 0600, synced.
/// Returns the 32 raw bytes. Errors: invalid_argument (not of that form), denied (readable by others), internal (I/O).
Result<Secret> load_or_create_master_key(const std::filesystem::path& file);

}  // namespace s3link::sqlite_store
