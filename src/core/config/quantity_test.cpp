#include "core/config/quantity.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace s3link::config {
namespace {
using namespace std::chrono_literals;

struct DurationCase {
  std::string name, text;
  std::optional<std::chrono::seconds> want;  // empty: refused
};
const std::vector<DurationCase> kDurationCases = {
    {"seconds", "90s", 90s},
    {"minutes", "15m", 15min},
    {"hours", "5h", 5h},
    {"days", "1d", 24h},
    {"zero", "0s", 0s},
    {"no_unit", "90", {}},
    {"milliseconds", "500ms", {}},
    {"upper_case", "5H", {}},
    {"two_units", "1h30m", {}},
    {"fraction", "1.5h", {}},
    {"negative", "-1s", {}},
    {"plus", "+1s", {}},
    {"blank_before_unit", "1 s", {}},
    {"blank_first", " 1s", {}},
    {"empty", "", {}},
    {"unit_only", "s", {}},
    {"over_64_bits", "99999999999999999999s", {}},
    {"product_over_bound", "9999999999999d", {}},
};
class DurationTest : public testing::TestWithParam<DurationCase> {};
TEST_P(DurationTest, ParsesOrRefuses) {
  const auto got = parse_duration(GetParam().text);
  EXPECT_EQ(got ? std::optional(*got) : std::nullopt, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, DurationTest, testing::ValuesIn(kDurationCases),
                         [](const auto& row) { return row.param.name; });

TEST(Duration, IsFormattedInItsLargestUnit) {
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(90min), "90m");
  EXPECT_EQ(format_duration(5h), "5h");
  EXPECT_EQ(format_duration(48h), "2d");
}

struct SizeCase {
  std::string name, text;
  std::optional<std::uint64_t> want;  // empty: refused
};
const std::vector<SizeCase> kSizeCases = {
    {"bytes", "1000", 1000},
    {"kibi", "64KiB", 65536},
    {"mebi", "1MiB", 1048576},
    {"gibi", "5GiB", 5368709120},
    {"tebi", "5TiB", 5497558138880},
    {"decimal_unit", "5GB", {}},
    {"lower_case", "5gib", {}},
    {"byte_unit", "5B", {}},
    {"fraction", "0.5GiB", {}},
    {"negative", "-1", {}},
    {"blank", "5 GiB", {}},
    {"empty", "", {}},
    {"over_63_bits", "9223372036854775808", {}},
    {"product_over_63_bits", "9000000000TiB", {}},
};
class SizeTest : public testing::TestWithParam<SizeCase> {};
TEST_P(SizeTest, ParsesOrRefuses) {
  const auto got = parse_size(GetParam().text);
  EXPECT_EQ(got ? std::optional(*got) : std::nullopt, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, SizeTest, testing::ValuesIn(kSizeCases),
                         [](const auto& row) { return row.param.name; });

TEST(Size, IsFormattedInItsLargestUnit) {
  EXPECT_EQ(format_size(0), "0");
  EXPECT_EQ(format_size(1000), "1000");
  EXPECT_EQ(format_size(65536), "64KiB");
  EXPECT_EQ(format_size(5497558138880), "5TiB");
}

}  // namespace
}  // namespace s3link::config
