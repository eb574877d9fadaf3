#include "core/delivery/recipient_shares.hpp"

#include <gtest/gtest.h>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;
using enum RecipientShares::Turn;
using enum RecipientShares::End;

const Instant kNow = from_unix_ms(1'796'738'405'000);

struct ShareCase {
  std::string name;
  std::size_t recipients;
  unsigned connections;
  unsigned under_way;
  std::chrono::milliseconds since_the_last;
  RecipientShares::Turn want;
};
const std::vector<ShareCase> kShareCases = {
    {"the_only_recipient_has_all", 1, 4, 4, 1h, now},
    {"half_of_them", 2, 4, 1, 1s, now},
    {"half_of_them_and_no_more", 2, 4, 2, 1s, soon},
    {"rounded_up", 3, 4, 1, 1s, now},
    {"one_at_least", 20, 4, 0, 1s, now},
    {"one_of_twenty", 20, 4, 1, 1s, soon},
    {"one_that_takes_long", 20, 4, 1, 10s, later},
    {"one_connection_for_two", 2, 1, 1, 1s, soon},
};
class ShareTest : public testing::TestWithParam<ShareCase> {};
TEST_P(ShareTest, IsAPartOfTheConnections) {
  RecipientShares shares(GetParam().recipients);
  for (unsigned i = 0; i < GetParam().under_way; ++i) shares.begin("a@x", kNow);
  EXPECT_EQ(shares.turn("a@x", GetParam().connections, kNow + GetParam().since_the_last), GetParam().want);
  EXPECT_EQ(shares.turn("b@x", GetParam().connections, kNow + GetParam().since_the_last), now) << "the others'";
}
INSTANTIATE_TEST_SUITE_P(Table, ShareTest, testing::ValuesIn(kShareCases),
                         [](const auto& row) { return row.param.name; });

TEST(RecipientShares, WhoIsSilentIsLeftAloneForAWhile) {
  RecipientShares shares(20);
  shares.begin("a@x", kNow);
  shares.end("a@x", silent, kNow + 5min);
  EXPECT_EQ(shares.turn("a@x", 4, kNow + 5min), later);
  EXPECT_EQ(shares.turn("a@x", 4, kNow + 10min - 1s), later);
  EXPECT_EQ(shares.turn("a@x", 4, kNow + 10min), now);
  EXPECT_EQ(shares.turn("a@x", 4, kNow), now) << "the clock was set back";
  shares.begin("a@x", kNow + 10min);
  shares.end("a@x", unknown, kNow + 10min);
  EXPECT_EQ(shares.turn("a@x", 4, kNow + 9min), later) << "nothing new is known";
  shares.begin("a@x", kNow + 10min);
  shares.end("a@x", answered, kNow + 10min);
  EXPECT_EQ(shares.turn("a@x", 4, kNow + 9min), now);
}

TEST(RecipientShares, AllThatAreSilentHaveHalf) {
  RecipientShares shares(20);
  for (const char* recipient : {"a@x", "b@x", "c@x"}) {
    shares.begin(recipient, kNow);
    shares.end(recipient, silent, kNow);
  }
  const Instant again = kNow + 5min;
  shares.begin("a@x", again);
  EXPECT_EQ(shares.turn("b@x", 4, again), now);
  EXPECT_EQ(shares.turn("b@x", 3, again), later);
  EXPECT_EQ(shares.turn("b@x", 1, again), later);
  shares.begin("b@x", again);
  EXPECT_EQ(shares.turn("c@x", 4, again), later);
  EXPECT_EQ(shares.turn("d@x", 4, again), now);
}

}  // namespace
}  // namespace s3link::delivery
