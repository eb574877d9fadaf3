#include "apps/s3link/exit_status.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace s3link::app {

std::string complaint(std::string_view message) { return fmt::format("s3link: {}", message); }

ExitStatus complain(ExitStatus status, std::string_view message) {
  std::fflush(stdout);
  std::fputs((complaint(message) + '\n').c_str(), stderr);
  return status;
}

int finish_output(int status) {
  errno = 0;
  const bool flushed = std::fflush(stdout) == 0;
  const int error = errno;
  if (flushed && std::ferror(stdout) == 0) return status;
  pollfd output{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  const bool reader_left = ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
  if (!reader_left) {
    complain(kFailed, fmt::format("cannot write to standard output{}{}", error == 0 ? "" : ": ",
                                  error == 0 ? "" : std::strerror(error)));
  }
  return status == kDone ? kFailed : status;
}

}  // namespace s3link::app
