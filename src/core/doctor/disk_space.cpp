#include "core/doctor/disk_space.hpp"

#include <fmt/format.h>

namespace s3link::doctor {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kGiB = 1ULL << 30;
constexpr std::uint64_t kFewBytes = 64 * kMiB, kLowBytes = kGiB;
constexpr std::uint64_t kFewFiles = 100, kLowFiles = 10'000;

std::string size_text(std::uint64_t bytes) {
  if (bytes >= kGiB) return fmt::format("{:.1f} GiB", static_cast<double>(bytes) / static_cast<double>(kGiB));
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / static_cast<double>(kMiB));
}

}  // namespace

Finding check_disk_space(const DiskSpace& space, const std::string& folder) {
  const std::string have =
      fmt::format("{} free for {}, which holds {}", size_text(space.free_bytes), folder, size_text(space.stored_bytes));
  const std::string more = "make room, or move server.data_dir to a larger disk";
  if (space.free_bytes < kFewBytes) return {"disk space", Verdict::failed, have, more};
  if (space.counts_files && space.free_files < kLowFiles) {
    return {"disk space", space.free_files < kFewFiles ? Verdict::failed : Verdict::warning,
            fmt::format("{}; only {} more files fit on that filesystem", have, space.free_files), more};
  }
  if (space.free_bytes < kLowBytes) return {"disk space", Verdict::warning, have, more};
  if (space.max_object_bytes && space.free_bytes < *space.max_object_bytes) {
    return {"disk space", Verdict::warning,
            fmt::format("{}; an object of the allowed {} does not fit", have, size_text(*space.max_object_bytes)),
            more + ", or lower server.max_object_size"};
  }
  if (space.free_bytes < space.stored_bytes / 10) {
    return {"disk space", Verdict::warning, have + ": less than a tenth of that",
            more + ", or lower bucket.object_ttl"};
  }
  return {"disk space", Verdict::ok, have, ""};
}

}  // namespace s3link::doctor
