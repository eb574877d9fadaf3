#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "adapters/sqlite_store/backup_lock.hpp"

namespace s3link::sqlite_store {

/// Shows the server that a backup gets further, and notices when it does not, or has been broken off. For as long as it
/// lives the lock must be held.
/// Thread safety: beat() from one thread.
class BackupPulse {
 public:
  /// `stuck` is called once, from a thread of its own; empty: there is no such thread.
  BackupPulse(const BackupLock& lock, std::chrono::seconds max_pause, std::function<void(const Error&)> stuck);
  BackupPulse(const BackupPulse&) = delete;
  BackupPulse& operator=(const BackupPulse&) = delete;
  ~BackupPulse();

  /// The backup got further. Errors: conflict (the server broke it off, or it was stuck).
  Status beat();
  /// The same at once, however soon after the one before: all up to here was under the lock.
  Status check() const;

 private:
  void watch();
  Error no_progress() const;

  const BackupLock& lock_;
  const std::chrono::seconds max_pause_;
  const std::function<void(const Error&)> stuck_;
  std::chrono::steady_clock::time_point last_touch_;
  std::atomic<unsigned> beats_ = 0;
  std::atomic<bool> was_stuck_ = false;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace s3link::sqlite_store
