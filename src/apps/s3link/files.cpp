#include "apps/s3link/files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/secret_file.hpp"

namespace s3link::app {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  bool valid() const noexcept { return fd_ >= 0; }

 private:
  int fd_;
};

std::unexpected<Error> system_failure(std::string_view action, const fs::path& file, int error) {
  const ErrorKind kind = error == ENOENT                     ? ErrorKind::not_found
                         : error == EACCES || error == EPERM ? ErrorKind::denied
                         : error == EEXIST                   ? ErrorKind::conflict
                                                             : ErrorKind::internal;
  return fail(kind, fmt::format("cannot {} {}: {}", action, file.string(), std::strerror(error)));
}

Status write_all(int fd, std::string_view text, const fs::path& file) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("write", file, errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

fs::path temporary_name(const fs::path& file) {
  return file.parent_path() / fmt::format(".{}.{}", file.filename().string(), ::getpid());
}

Status sync_folder_of(const fs::path& file) {
  const fs::path folder = file.parent_path().empty() ? "." : file.parent_path();
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.valid() || ::fsync(descriptor.get()) != 0) return system_failure("sync", folder, errno);
  return {};
}

Result<std::string> read_all(int descriptor, const fs::path& file, std::size_t max_bytes) {
  std::string out;
  while (true) {
    char buffer[16384];
    const ssize_t count = ::read(descriptor, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("read", file, errno);
    if (count == 0) return out;
    out.append(buffer, static_cast<std::size_t>(count));
    if (out.size() > max_bytes) {
      return fail(ErrorKind::invalid_argument, fmt::format("{} is larger than {} bytes", file.string(), max_bytes));
    }
  }
}

}  // namespace

Result<std::string> read_file(const fs::path& file, std::size_t max_bytes) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.valid()) return system_failure("read", file, errno);
  return read_all(descriptor.get(), file, max_bytes);
}

Result<Secret> read_private_file(const fs::path& file, std::size_t max_bytes) {
  const Descriptor descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (!descriptor.valid() || ::fstat(descriptor.get(), &status) != 0) return system_failure("read", file, errno);
  if (const auto fault = secret_file_fault({status.st_mode, status.st_uid}, ::geteuid())) {
    return fail(ErrorKind::denied, fmt::format("{} {}", file.string(), *fault));
  }
  auto text = read_all(descriptor.get(), file, max_bytes);
  if (!text) return std::unexpected(text.error());
  return Secret(std::move(*text));
}

Status create_private_file(const fs::path& file, std::string_view text) {
  const fs::path temporary = temporary_name(file);
  {
    const Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!descriptor.valid()) return system_failure("create", file, errno);
    if (const Status written = write_all(descriptor.get(), text, file); !written) return written;
    if (::fsync(descriptor.get()) != 0) return system_failure("sync", file, errno);
  }
  const bool linked = ::link(temporary.c_str(), file.c_str()) == 0;
  const int error = errno;
  ::unlink(temporary.c_str());
  if (!linked) return system_failure("create", file, error);
  return sync_folder_of(file);
}

Status replace_file(const fs::path& file, std::string_view text) {
  const fs::path temporary = temporary_name(file);
  {
    const Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!descriptor.valid()) return system_failure("create", file, errno);
    if (const Status written = write_all(descriptor.get(), text, file); !written) return written;
  }
  if (::rename(temporary.c_str(), file.c_str()) != 0) return system_failure("replace", file, errno);
  return {};
}

Status replace_private_file(const fs::path& file, std::string_view text) {
  const fs::path temporary = temporary_name(file);
  ::unlink(temporary.c_str());
  struct stat before{};
  const bool existed = ::stat(file.c_str(), &before) == 0;
  Status written;
  {
    const Descriptor descriptor(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!descriptor.valid()) return system_failure("create", file, errno);
    // Root may do this for a server that runs as another user.
    const bool given =
        !existed || before.st_uid == ::geteuid() || ::fchown(descriptor.get(), before.st_uid, before.st_gid) == 0;
    if (!given) written = system_failure("replace", file, errno);
    if (written) written = write_all(descriptor.get(), text, file);
    if (written && ::fsync(descriptor.get()) != 0) written = system_failure("sync", file, errno);
  }
  if (written && ::rename(temporary.c_str(), file.c_str()) != 0) written = system_failure("replace", file, errno);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  return sync_folder_of(file);
}

Status create_private_folder(const fs::path& folder) {
  if (!folder.parent_path().empty()) {
    std::error_code ignored;  // mkdir below reports what is wrong
    fs::create_directories(folder.parent_path(), ignored);
  }
  if (::mkdir(folder.c_str(), 0700) == 0) return {};
  if (errno != EEXIST) return system_failure("create the folder", folder, errno);
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(ErrorKind::conflict, fmt::format("{} is not a folder", folder.string()));
  return {};
}

}  // namespace s3link::app
