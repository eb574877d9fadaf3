#pragma once

#include <atomic>
#include <mutex>
#include <string>

#include "adapters/sqlite_store/file_system.hpp"
#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// How far the database's log has grown that cannot be cut, because somebody reads what it holds.
enum class LogPressure {
  none,
  presses,          ///< a backup that reads, and hangs, is broken off
  refuses_uploads,  ///< what has begun gets to its end; any backup that reads is broken off
  refuses_all       ///< every transaction
};

/// Whether the store takes writes. Three reasons why not: a sync failed, which is final until the next start because
/// nobody knows what is on the disk; the disk was full, which lasts until there is room again; the database's log is at
/// its limit, which lasts until it is cut.
/// Thread safety: any number of calls at a time.
class Health {
 public:
  Health(FileSystem& files, std::string data_dir) : files_(files), data_dir_(std::move(data_dir)) {}

  /// For good. The first reason stays.
  void refuse_writes(std::string reason);
  void note_disk_full() noexcept { full_.store(true, std::memory_order_relaxed); }
  void note_log(LogPressure pressure) noexcept { log_.store(pressure, std::memory_order_relaxed); }
  LogPressure log_pressure() const noexcept { return log_.load(std::memory_order_relaxed); }
  bool log_presses() const noexcept { return log_pressure() != LogPressure::none; }
  /// Whether a body may take that many bytes more: the last megabytes are left for the database, so that a full disk
  /// can still be emptied. Errors: transient, code ServiceUnavailable.
  Status room_for(std::uint64_t bytes);
  /// The same for what can be done without, and so keeps nobody else from writing.
  Status room_beside_reserve(std::uint64_t bytes) const;
  bool refusing() const noexcept { return refusing_.load(std::memory_order_acquire); }

  /// Errors: transient, code ServiceUnavailable or SlowDown, with the reason.
  Status writable() const;
  /// Whether a transaction may be begun. Errors: as writable(), but not for a full disk, which only trying tells.
  Status may_commit() const;
  /// The error of a write that is refused because of refuse_writes().
  Error refusal() const;

 private:
  FileSystem& files_;
  const std::string data_dir_;
  std::atomic<bool> refusing_ = false;
  mutable std::atomic<bool> full_ = false;
  std::atomic<LogPressure> log_ = LogPressure::none;
  std::uint64_t free_bytes() const;

  mutable std::mutex mutex_;
  std::string reason_;
};

}  // namespace s3link::sqlite_store
