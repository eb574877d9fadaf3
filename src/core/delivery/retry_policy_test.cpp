#include "core/delivery/retry_policy.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

struct BackoffCase {
  std::string name;
  RetryPolicy policy;
  unsigned failed_attempts;
  std::chrono::milliseconds longest;  // without jitter; the shortest is half of it
};
const RetryPolicy kDefault{};
const std::vector<BackoffCase> kBackoffCases = {
    {"first", kDefault, 1, 1s},
    {"second_doubles", kDefault, 2, 2s},
    {"fourth", kDefault, 4, 8s},
    {"bounded", kDefault, 10, 300s},
    {"bounded_for_ever", kDefault, std::numeric_limits<unsigned>::max(), 300s},
    {"bound_that_is_no_power", {5, 3s, 10s}, 3, 10s},
    {"bound_under_the_first", {5, 10s, 4s}, 1, 4s},
    {"no_wait_at_all", {5, 0ms, 0ms}, 3, 0ms},
    {"one_millisecond", {5, 1ms, 1ms}, 2, 1ms},
    {"longest_representable", {5, 1ms, std::chrono::milliseconds::max()}, 100, std::chrono::milliseconds::max()},
};
class BackoffTest : public testing::TestWithParam<BackoffCase> {};
TEST_P(BackoffTest, StaysBetweenHalfAndWhole) {
  const auto& row = GetParam();
  EXPECT_EQ(backoff(row.policy, row.failed_attempts, 0), row.longest);
  auto shortest = row.longest;
  for (std::uint64_t random = 0; random < 5'000; ++random) {
    const auto wait = backoff(row.policy, row.failed_attempts, random * 0x9E3779B97F4A7C15U);
    ASSERT_LE(wait, row.longest);
    ASSERT_GE(wait, row.longest - row.longest / 2);
    shortest = std::min(shortest, wait);
  }
  if (row.longest > 100ms) EXPECT_LT(shortest, row.longest - row.longest / 3) << "no jitter";
}
INSTANTIATE_TEST_SUITE_P(Table, BackoffTest, testing::ValuesIn(kBackoffCases),
                         [](const auto& row) { return row.param.name; });

struct GiveUpCase {
  std::string name;
  std::chrono::milliseconds give_up_after;
  std::optional<std::chrono::milliseconds> removal;  // after the event
  std::chrono::milliseconds want;                    // after the event
};
const std::vector<GiveUpCase> kGiveUpCases = {
    {"by_time", 96h, {}, 96h},
    {"long_before_the_removal", 96h, 240h, 96h},
    {"in_time_before_the_removal", 96h, 24h, 23h},
    {"an_hour_is_left_at_most", 9600h, 4800h, 4799h},
    {"short_life", 96h, 24min, 23min},
    {"removed_before_the_event", 96h, -1s, -1s},
    {"longest", std::chrono::milliseconds::max(), {}, std::chrono::milliseconds::max()},
};
class GiveUpTest : public testing::TestWithParam<GiveUpCase> {};
TEST_P(GiveUpTest, IsBoundedByTimeAndRemoval) {
  const auto& row = GetParam();
  const Instant since = from_unix_ms(1'796'738'405'000);
  const std::optional<Instant> removal = row.removal ? std::optional(since + *row.removal) : std::nullopt;
  const Instant got = gives_up_at({.give_up_after = row.give_up_after}, since, removal);
  if (row.want == std::chrono::milliseconds::max()) {
    EXPECT_GT(got, since + std::chrono::years(200));
  } else {
    EXPECT_EQ(got, since + row.want);
  }
}
INSTANTIATE_TEST_SUITE_P(Table, GiveUpTest, testing::ValuesIn(kGiveUpCases),
                         [](const auto& row) { return row.param.name; });

TEST(IsPermanent, OnlyWhatRepeatingCannotMend) {
  EXPECT_TRUE(is_permanent(ErrorKind::denied));
  EXPECT_TRUE(is_permanent(ErrorKind::invalid_argument));
  for (const auto kind :
       {ErrorKind::not_found, ErrorKind::conflict, ErrorKind::transient, ErrorKind::corrupt, ErrorKind::internal}) {
    EXPECT_FALSE(is_permanent(kind)) << to_string(kind);
  }
}

}  // namespace
}  // namespace s3link::delivery
