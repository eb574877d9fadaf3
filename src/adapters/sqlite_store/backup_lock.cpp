#include "adapters/sqlite_store/backup_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>

#include "adapters/sqlite_store/path_error.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr off_t kHoldingByte = 0;
constexpr off_t kReadingByte = 1;

int open_lock_file(const fs::path& file, int flags) {
  return ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, S_IRUSR | S_IWUSR);
}

struct flock record(short type, off_t byte) {
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = byte;
  lock.l_len = 1;
  return lock;
}

/// Says who, and decides nothing: a file system without record locks does no harm.
void set_record(int descriptor, short type, off_t byte) noexcept {
  struct flock lock = record(type, byte);
  ::fcntl(descriptor, F_SETLK, &lock);
}

/// Nullopt: nobody.
std::optional<pid_t> owner_of(int descriptor, off_t byte) noexcept {
  struct flock lock = record(F_WRLCK, byte);
  if (::fcntl(descriptor, F_GETLK, &lock) != 0 || lock.l_type == F_UNLCK) return std::nullopt;
  return std::max<pid_t>(lock.l_pid, 0);
}

}  // namespace

BackupLock::Reading::Reading(const BackupLock& lock) : descriptor_(lock.descriptor_) {
  set_record(descriptor_, F_RDLCK, kReadingByte);
}

BackupLock::Reading::~Reading() { set_record(descriptor_, F_UNLCK, kReadingByte); }

Result<BackupLock> BackupLock::open(const fs::path& data_dir) {
  const auto file = data_dir / "backup.lock";
  const int descriptor = open_lock_file(file, 0);
  if (descriptor < 0) return path_error("cannot open", file, errno);
  return BackupLock(file, descriptor);
}

BackupLock::~BackupLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<BackupLock::Hold> BackupLock::share() {
  while (true) {
    auto hold = take(LOCK_SH);
    if (!hold) return hold;
    if (has_its_name()) {
      // What the one before was told is not for this one.
      if (::ftruncate(descriptor_, 0) != 0) return path_error("cannot write", file_, errno);
      set_record(descriptor_, F_RDLCK, kHoldingByte);
      touch();
      return hold;
    }
    const int descriptor = open_lock_file(file_, 0);
    if (descriptor < 0) return path_error("cannot open", file_, errno);
    {
      const Hold old = std::move(*hold);
    }
    ::close(std::exchange(descriptor_, descriptor));
  }
}

Status BackupLock::check() const {
  if (has_its_name()) return {};
  std::array<char, 200> text{};
  const auto length = ::pread(descriptor_, text.data(), text.size(), 0);
  const std::string why(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
  return fail(ErrorKind::conflict, why.empty() ? file_.string() + " was removed or replaced" : why);
}

void BackupLock::touch() const noexcept { ::futimens(descriptor_, nullptr); }

Result<BackupLock::Hold> BackupLock::try_exclude() {
  follow_name();
  return take(LOCK_EX | LOCK_NB);
}

Result<BackupLock::Hold> BackupLock::take(int operation) {
  int failure = 0;
  do {
    failure = ::flock(descriptor_, operation) == 0 ? 0 : errno;
  } while (failure == EINTR);
  if (failure == EWOULDBLOCK) return fail(ErrorKind::conflict, "a backup of the data folder is being made");
  if (failure != 0) return path_error("cannot lock", "backup.lock", failure);
  return Hold(descriptor_);
}

std::uint64_t BackupLock::progress() const noexcept {
  struct stat about{};
  if (::fstat(descriptor_, &about) != 0) return 0;
  return static_cast<std::uint64_t>(about.st_mtim.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(about.st_mtim.tv_nsec);
}

pid_t BackupLock::holder() const noexcept { return owner_of(descriptor_, kHoldingByte).value_or(0); }

bool BackupLock::reads() const noexcept { return owner_of(descriptor_, kReadingByte).has_value(); }

pid_t BackupLock::reader() const noexcept { return owner_of(descriptor_, kReadingByte).value_or(0); }

bool BackupLock::is_free() { return take(LOCK_EX | LOCK_NB).has_value(); }

Result<BackupLock> BackupLock::replace(const std::string& why) {
  const fs::path fresh = file_.string() + ".new";
  std::error_code ignored;
  fs::remove(fresh, ignored);
  const int descriptor = open_lock_file(fresh, O_EXCL);
  if (descriptor < 0) return path_error("cannot make", fresh, errno);
  // First the reason, so that whoever misses the lock finds it. It may not fit on a full disk.
  if (::pwrite(descriptor_, why.data(), why.size(), 0) < 0) (void)errno;
  if (::rename(fresh.c_str(), file_.c_str()) != 0) {
    const int failure = errno;
    ::close(descriptor);
    fs::remove(fresh, ignored);
    return path_error("cannot name", file_, failure);
  }
  return BackupLock(file_, std::exchange(descriptor_, descriptor));
}

void BackupLock::follow_name() {
  if (has_its_name()) return;
  const int descriptor = open_lock_file(file_, 0);
  if (descriptor >= 0) ::close(std::exchange(descriptor_, descriptor));
}

bool BackupLock::has_its_name() const noexcept {
  struct stat named{};
  struct stat held{};
  return ::stat(file_.c_str(), &named) == 0 && ::fstat(descriptor_, &held) == 0 && named.st_dev == held.st_dev &&
         named.st_ino == held.st_ino;
}

BackupLock::Hold::~Hold() {
  if (descriptor_ >= 0) ::flock(descriptor_, LOCK_UN);
}

}  // namespace s3link::sqlite_store
