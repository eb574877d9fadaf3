#include "adapters/sqlite_store/backup_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace s3link::sqlite_store {
namespace {

std::unexpected<Error> io_error(const std::string& what, int number) {
  const bool full = number == ENOSPC || number == EDQUOT;
  return fail(full ? ErrorKind::transient : ErrorKind::internal,
              what + ": " + std::strerror(number));  // NOLINT(concurrency-mt-unsafe): glibc's is
}

}  // namespace

Result<BackupLock> BackupLock::open(const std::filesystem::path& data_dir) {
  const auto file = data_dir / "backup.lock";
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) return io_error("cannot open " + file.string(), errno);
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
  if (failure != 0) return io_error("cannot lock backup.lock", failure);
  return Hold(descriptor_);
}

BackupLock::Hold::~Hold() {
  if (descriptor_ >= 0) ::flock(descriptor_, LOCK_UN);
}

}  // namespace s3link::sqlite_store
