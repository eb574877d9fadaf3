#pragma once

#include <filesystem>
#include <utility>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// data_dir/backup.lock (flock(2)): while a backup holds it, no body file is unlinked, so that every file the backup's
/// database names is there to be copied. The kernel lets go of it however the process ends.
class BackupLock {
 public:
  /// For a backup: shared with other backups; waits the moment that somebody unlinks files. Errors: internal (I/O).
  static Result<BackupLock> share(const std::filesystem::path& data_dir);
  /// For who unlinks: at once. Errors: conflict (a backup is being made), internal (I/O).
  static Result<BackupLock> try_exclude(const std::filesystem::path& data_dir);

  BackupLock(BackupLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  BackupLock& operator=(BackupLock&&) = delete;
  ~BackupLock();

 private:
  explicit BackupLock(int descriptor) : descriptor_(descriptor) {}
  static Result<BackupLock> take(const std::filesystem::path& data_dir, int operation);

  int descriptor_;
};

}  // namespace s3link::sqlite_store
