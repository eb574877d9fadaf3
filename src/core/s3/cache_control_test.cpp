#include "core/s3/cache_control.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::s3 {
namespace {

using namespace std::chrono_literals;

struct CacheCase {
  std::string name, given;
  std::chrono::seconds left;
  std::string want;
};
const std::vector<CacheCase> kCacheCases = {
    {"nothing_given", "", 60s, "private, max-age=60"},
    {"nothing_left", "", -1s, "private, max-age=0"},
    {"public", "public, max-age=31536000", 60s, "private, max-age=60"},
    {"shared_age", "s-maxage=31536000", 60s, "private, max-age=60"},
    {"shorter", "max-age=10", 60s, "private, max-age=10"},
    {"shorter_in_odd_form", "MAX-AGE=\"10\"", 60s, "private, max-age=10"},
    {"stale_is_not_for_caches", "max-age=10, stale-while-revalidate=86400", 60s, "private, max-age=10"},
    {"immutable", "immutable", 60s, "private, max-age=60"},
    {"no_store", "no-store", 60s, "private, max-age=60, no-store"},
    {"stricter", "No-Cache, must-revalidate,no-transform", 60s,
     "private, max-age=60, no-cache, no-transform, must-revalidate"},
    {"no_cache_of_a_field", "no-cache=\"Set-Cookie\"", 60s, "private, max-age=60, no-cache"},
    {"nonsense", "max-age=-5, max-age=x, =, ,", 60s, "private, max-age=60"},
    {"too_large_a_number", "max-age=99999999999999999999", 60s, "private, max-age=60"},
};
class CacheControlTest : public testing::TestWithParam<CacheCase> {};
TEST_P(CacheControlTest, NeverOutlivesTheLink) {
  EXPECT_EQ(private_cache_control(GetParam().given, GetParam().left), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, CacheControlTest, testing::ValuesIn(kCacheCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::s3
