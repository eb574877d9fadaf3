#include "core/doctor/disk_space.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::doctor {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20, kGiB = 1ULL << 30;

struct Case {
  std::string name;
  DiskSpace space;
  Verdict verdict;
};
DiskSpace with(std::uint64_t bytes, std::uint64_t files, std::uint64_t stored,
               std::optional<std::uint64_t> largest = {}, bool counts_files = true) {
  return {bytes, files, counts_files, stored, largest};
}
const std::vector<Case> kCases = {
    {"plenty", with(100 * kGiB, 1'000'000, 10 * kGiB), Verdict::ok},
    {"nearly_full", with(63 * kMiB, 1'000'000, 0), Verdict::failed},
    {"low", with(900 * kMiB, 1'000'000, 0), Verdict::warning},
    {"few_files", with(100 * kGiB, 9'999, 0), Verdict::warning},
    {"no_files", with(100 * kGiB, 99, 0), Verdict::failed},
    {"files_not_counted", with(100 * kGiB, 0, 0, {}, false), Verdict::ok},
    {"largest_does_not_fit", with(4 * kGiB, 1'000'000, 0, 5 * kGiB), Verdict::warning},
    {"largest_fits", with(6 * kGiB, 1'000'000, 0, 5 * kGiB), Verdict::ok},
    {"little_beside_what_is_stored", with(9 * kGiB, 1'000'000, 100 * kGiB), Verdict::warning},
};
class CheckDiskSpaceTest : public testing::TestWithParam<Case> {};
TEST_P(CheckDiskSpaceTest, Judges) {
  const Finding got = check_disk_space(GetParam().space, "/srv/s3link");
  EXPECT_EQ(got.verdict, GetParam().verdict) << got.message;
  EXPECT_TRUE(got.message.contains("/srv/s3link"));
  EXPECT_EQ(got.fix.contains("server.data_dir"), got.verdict != Verdict::ok);
}
INSTANTIATE_TEST_SUITE_P(Table, CheckDiskSpaceTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::doctor
