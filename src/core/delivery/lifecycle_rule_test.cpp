#include "core/delivery/lifecycle_rule.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::delivery {
namespace {

struct RemovalCase {
  std::string name, created;
  int days;
  std::string want;
};
const std::vector<RemovalCase> kRemovalCases = {
    // The example of the user guide: 1/15/2014 10:30 AM UTC and 3 days make 1/19/2014 00:00 UTC.
    {"user_guide", "2014-01-15T10:30:00Z", 3, "2014-01-19T00:00:00.000Z"},
    {"just_after_midnight", "2026-12-08T00:00:00.001Z", 1, "2026-12-10T00:00:00.000Z"},
    {"at_midnight", "2026-12-08T00:00:00Z", 1, "2026-12-09T00:00:00.000Z"},
    {"just_before_midnight", "2026-12-07T23:59:59.999Z", 1, "2026-12-09T00:00:00.000Z"},
    {"into_the_next_year", "2026-12-30T12:00:00Z", 1, "2027-01-01T00:00:00.000Z"},
    {"leap_day", "2028-02-28T01:00:00Z", 1, "2028-03-01T00:00:00.000Z"},
};
class RemovalTest : public testing::TestWithParam<RemovalCase> {};
TEST_P(RemovalTest, IsTheNextMidnight) {
  const auto& row = GetParam();
  EXPECT_EQ(iso8601(s3_removal(*parse_iso8601(row.created), std::chrono::days(row.days))), row.want);
}
INSTANTIATE_TEST_SUITE_P(Table, RemovalTest, testing::ValuesIn(kRemovalCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::delivery
