#include "adapters/system/process_statistics.hpp"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

namespace s3link::system {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1'000'000;
}

/// `ticks` since boot as Unix time. Not by /proc/stat's boot time, which a hardened service does not see. Computed
/// once, so that a clock that is set does not move what is past.
double unix_time_of(std::uint64_t ticks) {
  static const double boot = [] {
    timespec since_boot{};
    ::clock_gettime(CLOCK_BOOTTIME, &since_boot);
    const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
    return now - static_cast<double>(since_boot.tv_sec) - static_cast<double>(since_boot.tv_nsec) / 1'000'000'000;
  }();
  return boot + static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// The fields of /proc/self/stat from the third on: the second, the program's name, may hold blanks.
void read_stat(ProcessStatistics& out) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return;
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) return;
  std::istringstream fields(line.substr(name_end + 1));
  std::string skipped;
  for (int field = 3; field < 20; ++field) fields >> skipped;
  std::uint64_t threads = 0;
  std::uint64_t start_ticks = 0;
  std::uint64_t virtual_bytes = 0;
  std::uint64_t resident_pages = 0;
  fields >> threads >> skipped >> start_ticks >> virtual_bytes >> resident_pages;
  if (!fields) return;
  out.threads = threads;
  out.virtual_bytes = virtual_bytes;
  out.resident_bytes = resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  out.started = unix_time_of(start_ticks);
}

std::optional<std::uint64_t> count_open_files() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc/self/fd"), &::closedir);
  if (!folder) return std::nullopt;
  std::uint64_t count = 0;
  while (const dirent* const entry = ::readdir(folder.get())) {  // NOLINT(concurrency-mt-unsafe): our own stream
    if (entry->d_name[0] != '.') ++count;
  }
  return count - 1;  // the folder's own
}

}  // namespace

ProcessStatistics read_process_statistics() {
  ProcessStatistics out;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) out.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  read_stat(out);
  out.open_files = count_open_files();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) out.max_files = limit.rlim_cur;
  return out;
}

metrics::Families process_families(const ProcessStatistics& statistics) {
  metrics::Families out = {metrics::counter("process_cpu_seconds_total", "User and system CPU time spent, in seconds.",
                                            statistics.cpu_seconds)};
  const auto add = [&](const char* name, const char* help, const auto& value) {
    if (value) out.push_back(metrics::gauge(name, help, static_cast<double>(*value)));
  };
  add("process_resident_memory_bytes", "Resident memory size in bytes.", statistics.resident_bytes);
  add("process_virtual_memory_bytes", "Virtual memory size in bytes.", statistics.virtual_bytes);
  add("process_open_fds", "Open file descriptors.", statistics.open_files);
  add("process_max_fds", "Most file descriptors that may be open.", statistics.max_files);
  add("process_threads", "Threads.", statistics.threads);
  add("process_start_time_seconds", "When the process was started, in Unix time.", statistics.started);
  return out;
}

}  // namespace s3link::system
