#include "adapters/sqlite_store/folder_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "adapters/sqlite_store/path_error.hpp"

namespace s3link::sqlite_store {
namespace {

std::unexpected<Error> in_use(const std::filesystem::path& folder, const std::string& owner) {
  return fail(ErrorKind::conflict, "the data folder " + folder.string() + " is in use by another process" + owner);
}

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

}  // namespace

Result<FolderLock> FolderLock::take(const std::filesystem::path& folder) {
  const auto file = folder / "lock";
  FolderLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (lock.descriptor_ < 0) return path_error("cannot open", file, errno);
  if (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return path_error("cannot lock", file, errno);
    std::array<char, 32> text{};
    const auto length = ::read(lock.descriptor_, text.data(), text.size());
    const std::string owner(text.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
    return in_use(folder, owner.empty() ? "" : " (process id " + std::string(first_line(owner)) + ")");
  }
  // A file system that locks no folders (NFS) has the file alone.
  lock.folder_ = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock.folder_ >= 0 && ::flock(lock.folder_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return in_use(folder, "; its file " + file.string() + " was removed");
  const std::string owner = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock.descriptor_, 0) != 0 || ::pwrite(lock.descriptor_, owner.data(), owner.size(), 0) < 0)
    return path_error("cannot write", file, errno);
  return lock;
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace s3link::sqlite_store
