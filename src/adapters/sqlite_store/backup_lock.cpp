#include "adapters/sqlite_store/backup_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace s3link::sqlite_store {

Result<BackupLock> BackupLock::share(const std::filesystem::path& data_dir) { return take(data_dir, LOCK_SH); }

Result<BackupLock> BackupLock::try_exclude(const std::filesystem::path& data_dir) {
  return take(data_dir, LOCK_EX | LOCK_NB);
}

Result<BackupLock> BackupLock::take(const std::filesystem::path& data_dir, int operation) {
  const auto file = data_dir / "backup.lock";
  BackupLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  int failure = lock.descriptor_ < 0 ? errno : 0;
  while (failure == 0 && ::flock(lock.descriptor_, operation) != 0) failure = errno == EINTR ? 0 : errno;
  if (failure == 0) return lock;
  if (failure == EWOULDBLOCK)
    return fail(ErrorKind::conflict, "a backup of the data folder " + data_dir.string() + " is being made");
  return fail(ErrorKind::internal, "cannot lock " + file.string() + ": " +
                                       std::strerror(failure));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

BackupLock::~BackupLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace s3link::sqlite_store
