#include "adapters/sqlite_store/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

namespace s3link::sqlite_store {
namespace {

class PosixFileSystem final : public FileSystem {
 public:
  int create(const std::string& path, int& descriptor) override {
    descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    return descriptor < 0 ? errno : 0;
  }

  int open(const std::string& path, int& descriptor) override {
    descriptor = open_regular_file(path.c_str());
    return descriptor < 0 ? -descriptor : 0;
  }

  void close(int descriptor) override { ::close(descriptor); }

  int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> data) override {
    while (!data.empty()) {
      const auto put = ::pwrite(descriptor, data.data(), data.size(), static_cast<off_t>(offset));
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) return errno;
      if (put == 0) return ENOSPC;
      data = data.subspan(static_cast<std::size_t>(put));
      offset += static_cast<std::uint64_t>(put);
    }
    return 0;
  }

  int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out, bool cached_only,
              std::size_t& length) override {
    length = 0;
    int flags = cached_only ? RWF_NOWAIT : 0;
    while (length < out.size()) {
      const iovec piece{.iov_base = out.data() + length, .iov_len = out.size() - length};
      const auto got = ::preadv2(descriptor, &piece, 1, static_cast<off_t>(offset + length), flags);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EOPNOTSUPP && flags != 0) {
        flags = 0;  // a file system that cannot tell: then it may wait
        continue;
      }
      if (got < 0) return errno;
      if (got == 0) break;
      length += static_cast<std::size_t>(got);
    }
    return 0;
  }

  int sync_data(int descriptor) override { return ::fdatasync(descriptor) == 0 ? 0 : errno; }
  int unlink(const std::string& path) override { return ::unlink(path.c_str()) == 0 ? 0 : errno; }
  int make_folder(const std::string& path) override { return ::mkdir(path.c_str(), S_IRWXU) == 0 ? 0 : errno; }

  int sync_folder(const std::string& path) override {
    const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    const int result = ::fsync(descriptor) == 0 ? 0 : errno;
    ::close(descriptor);
    return result;
  }

  int list_folder(const std::string& path, const std::function<void(std::string_view)>& each) override {
    DIR* const folder = ::opendir(path.c_str());
    if (folder == nullptr) return errno;
    errno = 0;
    while (const dirent* const entry = ::readdir(folder)) {  // NOLINT(concurrency-mt-unsafe): our own stream
      const std::string_view name(entry->d_name);
      if (name != "." && name != "..") each(name);
      errno = 0;
    }
    const int result = errno;
    ::closedir(folder);
    return result;
  }

  int free_bytes(const std::string& path, std::uint64_t& bytes) override {
    struct statvfs about{};
    if (::statvfs(path.c_str(), &about) != 0) return errno;
    bytes = static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
    return 0;
  }
};

}  // namespace

FileSystem& real_file_system() {
  static PosixFileSystem files;
  return files;
}

int open_regular_file(const char* path) noexcept {
  const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return errno == ENXIO ? -ELOOP : -errno;  // ENXIO: a socket
  struct stat about{};
  const int failure = ::fstat(descriptor, &about) != 0 ? errno : (S_ISREG(about.st_mode) ? 0 : ELOOP);
  if (failure == 0) return descriptor;
  ::close(descriptor);
  return -failure;
}

}  // namespace s3link::sqlite_store
