#include "adapters/sqlite_store/backup_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "adapters/sqlite_store/path_error.hpp"

namespace s3link::sqlite_store {

Result<BackupLock> BackupLock::open(const std::filesystem::path& data_dir) {
  const auto file = data_dir / "backup.lock";
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return path_error("cannot open", file, errno);
  return BackupLock(descriptor);
}

BackupLock::~BackupLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<BackupLock::Hold> BackupLock::share() { return take(LOCK_SH); }

Result<BackupLock::Hold> BackupLock::try_exclude() { return take(LOCK_EX | LOCK_NB); }

Result<BackupLock::Hold> BackupLock::take(int operation) {
  int failure = 0;
  do {
    failure = ::flock(descriptor_, operation) == 0 ? 0 : errno;
  } while (failure == EINTR);
  if (failure == EWOULDBLOCK) return fail(ErrorKind::conflict, "a backup of the data folder is being made");
  if (failure != 0) return path_error("cannot lock", "backup.lock", failure);
  return Hold(descriptor_);
}

BackupLock::Hold::~Hold() {
  if (descriptor_ >= 0) ::flock(descriptor_, LOCK_UN);
}

}  // namespace s3link::sqlite_store
