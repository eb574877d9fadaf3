#include "adapters/system/boot_clock.hpp"

#include <cstdint>
#include <ctime>
#include <fstream>

namespace s3link::system {

std::chrono::milliseconds since_boot() noexcept {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::milliseconds(static_cast<std::int64_t>(time.tv_sec) * 1000 + time.tv_nsec / 1'000'000);
}

std::string boot_id(const char* (*lookup)(const char* name)) {
  std::string id;
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::getline(file, id);
  if (id.empty()) {
    const char* const given = lookup("BOOT_ID");
    if (given != nullptr) id = given;
  }
  std::erase(id, '-');
  return id;
}

}  // namespace s3link::system
