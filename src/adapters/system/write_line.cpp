#include "adapters/system/write_line.hpp"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace s3link::system {

std::size_t write_bytes(int descriptor, std::string_view bytes) noexcept {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const ssize_t count = ::write(descriptor, rest.data(), rest.size());
    if (count >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno == EAGAIN) {
      // Whoever started us made it non-blocking.
      pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
      ::poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      break;
    }
  }
  return bytes.size() - rest.size();
}

void write_line(int descriptor, std::string line) noexcept {
  line += '\n';
  write_bytes(descriptor, line);
}

}  // namespace s3link::system
