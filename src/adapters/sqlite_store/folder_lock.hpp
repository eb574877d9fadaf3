#pragma once

#include <filesystem>
#include <utility>

#include "core/base/result.hpp"

namespace s3link::sqlite_store {

/// Holds folder/lock (flock(2), with this process's id in it) and the folder itself for as long as it lives: one
/// process at a time has a data folder open for writing, also where the file was removed, or replaced, meanwhile. The
/// kernel lets go of it however the process ends.
class FolderLock {
 public:
  /// Errors: conflict (another process has it; the message names its id), transient (disk full), internal (I/O).
  static Result<FolderLock> take(const std::filesystem::path& folder);

  FolderLock(FolderLock&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), folder_(std::exchange(other.folder_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}

  int descriptor_;
  int folder_ = -1;
};

}  // namespace s3link::sqlite_store
