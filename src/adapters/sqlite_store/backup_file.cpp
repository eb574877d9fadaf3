#include "adapters/sqlite_store/backup_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "adapters/sqlite_store/descriptor.hpp"
#include "adapters/sqlite_store/path_error.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::size_t kCopyBytes = 256 * 1024;
constexpr std::uint64_t kBytesBetweenSyncs = 64U << 20;

int write_all(int out, const char* data, std::size_t length) noexcept {
  while (length > 0) {
    const ssize_t put = ::write(out, data, length);
    if (put < 0 && errno != EINTR) return errno;
    data += std::max<ssize_t>(put, 0);
    length -= static_cast<std::size_t>(std::max<ssize_t>(put, 0));
  }
  return 0;
}

}  // namespace

/// The standard library's copy reports a full disk as an I/O error.
Result<std::uint64_t> copy_file(int in, const std::filesystem::path& from, const std::filesystem::path& to,
                                const std::function<Status(std::uint64_t bytes)>& went_on) {
  const Descriptor out(::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (out.get() < 0) return path_error("cannot make", to, errno);
  std::vector<char> buffer(kCopyBytes);
  std::uint64_t total = 0;
  std::uint64_t synced = 0;
  while (true) {
    const ssize_t got = ::pread(in, buffer.data(), buffer.size(), static_cast<off_t>(total));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return path_error("cannot read", from, errno);
    if (got == 0) return total;
    if (const int failure = write_all(out.get(), buffer.data(), static_cast<std::size_t>(got)); failure != 0)
      return path_error("cannot write", to, failure);
    total += static_cast<std::uint64_t>(got);
    if (total - synced >= kBytesBetweenSyncs) {
      if (::fdatasync(out.get()) != 0) return path_error("cannot sync", to, errno);
      synced = total;
    }
    if (const Status goes_on = went_on(total); !goes_on) return std::unexpected(goes_on.error());
  }
}

}  // namespace s3link::sqlite_store
