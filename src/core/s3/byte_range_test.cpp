#include "core/s3/byte_range.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::s3 {
namespace {

struct RangeCase {
  std::string name, field;
  std::uint64_t size;
  bool parses;
  std::optional<ByteSpan> want;
};
const std::vector<RangeCase> kRangeCases = {
    {"first_bytes", "bytes=0-3", 10, true, ByteSpan{0, 4}},
    {"one_byte", "bytes=9-9", 10, true, ByteSpan{9, 1}},
    {"to_the_end", "bytes=4-", 10, true, ByteSpan{4, 6}},
    {"last_bytes", "bytes=-3", 10, true, ByteSpan{7, 3}},
    {"suffix_over_size", "bytes=-30", 10, true, ByteSpan{0, 10}},
    {"end_over_size", "bytes=5-99", 10, true, ByteSpan{5, 5}},
    {"unit_in_capitals", "BYTES=1-2", 10, true, ByteSpan{1, 2}},
    {"start_at_size", "bytes=10-", 10, true, {}},
    {"empty_suffix", "bytes=-0", 10, true, {}},
    {"empty_body", "bytes=0-0", 0, true, {}},
    {"suffix_of_empty_body", "bytes=-5", 0, true, {}},
    {"over_64_bits", "bytes=2-99999999999999999999999", 10, true, ByteSpan{2, 8}},
    {"starts_over_64_bits", "bytes=99999999999999999999999-", 10, true, {}},
    {"backwards", "bytes=5-2", 10, false, {}},
    {"several", "bytes=0-1,3-4", 10, false, {}},
    {"other_unit", "lines=0-1", 10, false, {}},
    {"dash_alone", "bytes=-", 10, false, {}},
    {"no_dash", "bytes=5", 10, false, {}},
    {"sign", "bytes=+1-2", 10, false, {}},
    {"letters", "bytes=a-b", 10, false, {}},
    {"empty", "", 10, false, {}},
};
class ByteRangeTest : public testing::TestWithParam<RangeCase> {};
TEST_P(ByteRangeTest, ParsesAndResolves) {
  const auto range = ByteRange::parse(GetParam().field);
  ASSERT_EQ(range.has_value(), GetParam().parses);
  if (range) EXPECT_EQ(range->resolve(GetParam().size), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, ByteRangeTest, testing::ValuesIn(kRangeCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::s3
