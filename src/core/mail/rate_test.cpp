#include "core/mail/rate.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace s3link::mail {
namespace {

using namespace std::chrono_literals;

struct RateCase {
  std::string name, text;
  std::optional<Rate> want;  // empty: refused
};
const std::vector<RateCase> kRateCases = {
    {"second", "1/s", Rate{1, 1s}},
    {"minute", "30/m", Rate{30, 60s}},
    {"hour", "60/h", Rate{60, 3'600s}},
    {"day", "1000/d", Rate{1000, 24h}},
    {"none", "0/s", {}},
    {"no_unit", "30", {}},
    {"no_count", "/m", {}},
    {"word", "30/min", {}},
    {"sign", "-1/s", {}},
    {"fraction", "0.5/s", {}},
    {"too_many", "1000001/s", {}},
    {"empty", "", {}},
    {"spaces", "30 /m", {}},
    {"wraps", "4294967297/s", {}},
};
class RateTest : public testing::TestWithParam<RateCase> {};
TEST_P(RateTest, ParsesOrRefuses) {
  const auto got = Rate::parse(GetParam().text);
  EXPECT_EQ(got ? std::optional(*got) : std::nullopt, GetParam().want);
  if (got) EXPECT_EQ(got->text(), GetParam().text);
}
INSTANTIATE_TEST_SUITE_P(Table, RateTest, testing::ValuesIn(kRateCases),
                         [](const auto& row) { return row.param.name; });

TEST(Rate, IsSpreadEvenly) {
  EXPECT_EQ((Rate{30, 60s}.interval()), 2s);
  EXPECT_EQ((Rate{1'000'000, 1s}.interval()), 0ms);
}

}  // namespace
}  // namespace s3link::mail
