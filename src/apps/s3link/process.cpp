#include "apps/s3link/process.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

namespace s3link::app {

namespace {

/// As before, nothing can be read from them or written to them.
void fill_standard_descriptors() noexcept {
  for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; ++descriptor) {
    if (::fcntl(descriptor, F_GETFD) >= 0) continue;
    ::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);  // gets the lowest number
  }
}

}  // namespace

void harden_process() noexcept {
  fill_standard_descriptors();
  ::umask(077);
  // Over a file size limit (ulimit -f, LimitFSIZE=) a write fails with EFBIG, as on a full disk; it must not end us.
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
  // Sanitizers look into their own process as a debugger would, which this forbids.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
#endif
  ::mallopt(M_ARENA_MAX, 2);
  // Set, these stay as they are; else the first large buffer that is freed has all later ones kept for ever.
  ::mallopt(M_MMAP_THRESHOLD, 128 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 4 * 1024 * 1024);
}

void raise_file_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::optional<std::string> too_few_files(unsigned max_connections) {
  // The database, the log, the relay's connections and a few bodies at a time.
  constexpr rlim_t kOthers = 64;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max >= max_connections + kOthers) return std::nullopt;
  return fmt::format(
      "server.max_connections is {}, but this process may open {} files (ulimit -Hn): more connections than that are "
      "not "
      "accepted, and files not opened for those that are; raise the limit to {} or more (systemd: LimitNOFILE=, "
      "Docker: "
      "--ulimit nofile=), or lower server.max_connections",
      max_connections, static_cast<std::uint64_t>(limit.rlim_max), max_connections + kOthers);
}

void ignore_broken_pipes() noexcept { std::signal(SIGPIPE, SIG_IGN); }

void end_at_next_signal() noexcept {
  const auto end = [](int number) { ::_exit(128 + number); };
  std::signal(SIGINT, end);
  std::signal(SIGTERM, end);
}

}  // namespace s3link::app
