#pragma once

#include <filesystem>
#include <utility>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// data_dir/backup.lock (flock(2)): while a backup holds it, no body file is unlinked, so that every file the backup's
/// database names is there to be copied. The kernel lets go of it however the process ends.
/// Thread safety: one thread at a time.
class BackupLock {
 public:
  /// Lets go at the end of its life, which is before the lock's.
  class Hold {
   public:
    Hold(Hold&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
    Hold& operator=(Hold&&) = delete;
    ~Hold();

   private:
    friend class BackupLock;
    explicit Hold(int descriptor) : descriptor_(descriptor) {}
    int descriptor_;
  };

  /// Opens the file, or makes it. Errors: transient (disk full), internal (I/O).
  static Result<BackupLock> open(const std::filesystem::path& data_dir);

  BackupLock(BackupLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  BackupLock& operator=(BackupLock&&) = delete;
  ~BackupLock();

  /// For a backup: shared with other backups; waits for who unlinks, or changes the master key. Errors: internal (I/O).
  Result<Hold> share();
  /// For who unlinks: at once. Errors: conflict (a backup is being made), internal (I/O).
  Result<Hold> try_exclude();

 private:
  explicit BackupLock(int descriptor) : descriptor_(descriptor) {}
  Result<Hold> take(int operation);

  int descriptor_;
};

}  // namespace s3link::sqlite_store
