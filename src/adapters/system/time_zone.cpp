#include "adapters/system/time_zone.hpp"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string_view>

namespace s3link::system {
namespace {

const std::filesystem::path kFolder = "/usr/share/zoneinfo";
constexpr std::string_view kUtc = "UTC";

/// Such a name cannot lead out of the folder.
bool is_name(std::string_view text) {
  const bool allowed = std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == '-' ||
           c == '+' || c == '/';
  });
  return allowed && !text.empty() && !text.starts_with('/');
}

/// RFC 8536 §3.1.
bool is_zone_file(const std::filesystem::path& file) {
  std::array<char, 4> magic{};
  std::ifstream in(file, std::ios::binary);
  return in.read(magic.data(), magic.size()) && std::string_view(magic.data(), magic.size()) == "TZif";
}

}  // namespace

Status check_time_zone(const std::string& name) {
  if (name == kUtc) return {};  // on machines without the files, too
  std::error_code error;
  if (is_name(name) && std::filesystem::is_regular_file(kFolder / name, error) && is_zone_file(kFolder / name)) {
    return {};
  }
  return fail(ErrorKind::invalid_argument,
              fmt::format("\"{}\" is not a time zone of {} (package tzdata); write it like Europe/Berlin, or UTC", name,
                          kFolder.string()));
}

Status use_time_zone(const std::string& name) {
  if (!name.empty()) {
    if (auto known = check_time_zone(name); !known) return known;
    const std::string value = name == kUtc ? "UTC0" : ":" + (kFolder / name).string();
    ::setenv("TZ", value.c_str(), 1);
  }
  ::tzset();
  return {};
}

std::chrono::seconds utc_offset_at(Instant when) {
  const time_t seconds = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  tm local{};
  if (::localtime_r(&seconds, &local) == nullptr) return std::chrono::seconds(0);  // a year beyond int
  return std::chrono::seconds(local.tm_gmtoff);
}

}  // namespace s3link::system
