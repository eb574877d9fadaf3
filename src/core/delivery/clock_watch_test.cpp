#include "core/delivery/clock_watch.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using std::chrono::milliseconds;

const Instant kNow = from_unix_ms(1'796'738'405'000);
constexpr milliseconds kUp = days(5);  // how long the machine has been up

ClockReading reading(Instant wall, milliseconds since_boot, std::string boot = "first") {
  return {.wall = wall, .since_boot = since_boot, .boot_id = std::move(boot)};
}

/// What a run left that had not noticed anything: `newest` was believed at kUp.
ClockRecord left_at(Instant newest) {
  ClockWatch watch({}, reading(newest - 15min, kUp - 15min));
  watch.look(reading(newest, kUp));
  return watch.record();
}

/// Something happens to the clock between two looks, or between two runs.
struct StepCase {
  std::string name;
  milliseconds steady;  ///< that passed
  milliseconds wall;    ///< by which the time of day is another
  bool mail_waits;
  std::chrono::milliseconds removal_behind;  ///< the time of day; zero: removal does not wait
};
const std::vector<StepCase> kStepCases = {
    {"nothing", 10s, 10s, false, 0s},
    {"a_long_quiet_while", days(30), days(30), false, 0s},
    {"a_small_correction_ahead", 10s, 10s + 10min, false, 0s},
    {"an_hour_ahead_is_no_jump", 10s, 10s + 1h, false, 0s},
    {"more_than_an_hour_ahead", 10s, 10s + 1h + 1ms, false, 1h + 1ms},
    {"days_ahead", 10s, 10s + days(3), false, days(3)},
    {"days_ahead_after_a_long_while", days(30), days(33), false, days(3)},
    {"a_small_correction_back", 10s, -15min, false, 0s},
    {"more_than_that_back", 10s, -15min - 1ms, true, 0s},
    {"an_hour_back", 10s, 10s - 1h, true, 0s},
    {"an_hour_back_that_has_passed_since", 2h, 1h, false, 0s},
    {"decades_back", 10s, -days(9800), true, 0s},
};
class StepTest : public testing::TestWithParam<StepCase> {};

void expect_step(const ClockStatus& status, const StepCase& step) {
  EXPECT_EQ(status.mail_waits, step.mail_waits);
  EXPECT_EQ(status.removal_waits, step.removal_behind > 0s);
  EXPECT_EQ(status.wall, kNow + step.wall);
  EXPECT_EQ(status.removal, kNow + step.wall - step.removal_behind);
  EXPECT_EQ(status.state, step.mail_waits            ? ClockState::behind
                          : step.removal_behind > 0s ? ClockState::ahead
                                                     : ClockState::plausible);
  EXPECT_EQ(explain(status).empty(), status.state == ClockState::plausible);
}

TEST_P(StepTest, IsSeenByTheNextLook) {
  ClockWatch watch(left_at(kNow), reading(kNow, kUp));
  ASSERT_EQ(watch.look(reading(kNow, kUp)).state, ClockState::plausible);
  expect_step(watch.look(reading(kNow + GetParam().wall, kUp + GetParam().steady)), GetParam());
}
TEST_P(StepTest, IsSeenByTheNextRunOfTheSameBoot) {
  const ClockReading now = reading(kNow + GetParam().wall, kUp + GetParam().steady);
  ClockWatch watch(left_at(kNow), now);
  const ClockStatus status = watch.look(now);
  expect_step(status, GetParam());
  EXPECT_FALSE(status.starting);
}
INSTANTIATE_TEST_SUITE_P(Table, StepTest, testing::ValuesIn(kStepCases),
                         [](const auto& row) { return row.param.name; });

/// A start after a boot: how long the machine was off, nobody knows.
struct BootCase {
  std::string name;
  milliseconds off;  ///< by the time of day
  std::string boot;
  bool mail_waits, removal_waits;
};
const std::vector<BootCase> kBootCases = {
    {"short", 2min, "second", false, false},
    {"an_hour", 1h, "second", false, false},
    {"a_month", days(30), "second", false, true},
    {"at_the_year_2000", -days(9800), "second", true, false},
    {"a_small_correction_back", -10min, "second", false, false},
    {"a_boot_that_cannot_be_told", days(30), "", false, true},
};
class BootTest : public testing::TestWithParam<BootCase> {};
TEST_P(BootTest, LeavesTheTimeServiceItsTime) {
  const Instant wall = kNow + GetParam().off;
  ClockWatch watch(left_at(kNow), reading(wall, 20s, GetParam().boot));
  const ClockStatus status = watch.look(reading(wall, 20s, GetParam().boot));
  EXPECT_EQ(status.mail_waits, GetParam().mail_waits);
  EXPECT_EQ(status.removal_waits, GetParam().removal_waits);
  if (GetParam().removal_waits) {
    EXPECT_TRUE(status.starting);
    EXPECT_EQ(status.removal, kNow);
    EXPECT_EQ(status.believed_in, 15min);
    EXPECT_TRUE(watch.look(reading(wall + 15min - 1ms, 20s + 15min - 1ms, GetParam().boot)).removal_waits);
    EXPECT_FALSE(watch.look(reading(wall + 15min, 20s + 15min, GetParam().boot)).removal_waits);
  }
}
INSTANTIATE_TEST_SUITE_P(Table, BootTest, testing::ValuesIn(kBootCases),
                         [](const auto& row) { return row.param.name; });

TEST(ClockWatchTest, TheFirstRunBelievesWhatItSees) {
  ClockWatch watch({}, reading(kNow, kUp));
  EXPECT_EQ(watch.look(reading(kNow, kUp)).state, ClockState::plausible);
  EXPECT_EQ(watch.record().newest, kNow);
}

TEST(ClockWatchTest, MailWaitsUntilTheTimeHasCome) {
  ClockWatch watch(left_at(kNow), reading(kNow - 2h, kUp));
  EXPECT_TRUE(watch.look(reading(kNow - 2h, kUp)).mail_waits);
  EXPECT_TRUE(watch.look(reading(kNow - 15min - 1ms, kUp + 105min - 1ms)).mail_waits);
  EXPECT_EQ(watch.look(reading(kNow - 15min, kUp + 105min)).state, ClockState::plausible);
  EXPECT_EQ(watch.record().newest, kNow) << "it has not come yet";
}

TEST(ClockWatchTest, AJumpIsBelievedWhenBothClocksHaveGoneOnEvenlyForADay) {
  ClockWatch watch(left_at(kNow), reading(kNow, kUp));
  watch.look(reading(kNow, kUp));
  const Instant jumped = kNow + days(3);
  EXPECT_EQ(watch.look(reading(jumped, kUp)).believed_in, 24h);
  const ClockStatus later = watch.look(reading(jumped + 24h - 1ms, kUp + 24h - 1ms));
  EXPECT_TRUE(later.removal_waits);
  EXPECT_EQ(later.removal, kNow + 24h - 1ms) << "removal goes by the steady clock meanwhile";
  EXPECT_EQ(watch.look(reading(jumped + 24h, kUp + 24h)).state, ClockState::plausible);
  EXPECT_EQ(watch.record().newest, jumped + 24h);
  EXPECT_TRUE(watch.look(reading(jumped + 28h, kUp + 24h)).removal_waits) << "the next one is looked at anew";
}

TEST(ClockWatchTest, AnotherJumpBeginsTheDayAnew) {
  ClockWatch watch(left_at(kNow), reading(kNow, kUp));
  watch.look(reading(kNow, kUp));
  watch.look(reading(kNow + days(3), kUp));
  const ClockStatus again = watch.look(reading(kNow + days(9), kUp + 23h));
  EXPECT_EQ(again.believed_in, 24h);
  EXPECT_TRUE(watch.look(reading(kNow + days(10), kUp + 46h)).removal_waits);
}

TEST(ClockWatchTest, AJumpThatIsSetRightHoldsUpNeitherRemovalNorMail) {
  ClockWatch watch(left_at(kNow), reading(kNow, kUp));
  watch.look(reading(kNow, kUp));
  watch.look(reading(kNow + days(3), kUp));
  watch.look(reading(kNow + days(3) + 5h, kUp + 5h));
  EXPECT_EQ(watch.look(reading(kNow + 6h, kUp + 6h)).state, ClockState::plausible);
}

TEST(ClockWatchTest, ARestartDoesNotMakeAJumpBelievedSooner) {
  ClockWatch first(left_at(kNow), reading(kNow, kUp));
  first.look(reading(kNow, kUp));
  first.look(reading(kNow + days(3), kUp));
  first.look(reading(kNow + days(3) + 10h, kUp + 10h));

  ClockWatch same_boot(first.record(), reading(kNow + days(3) + 11h, kUp + 11h));
  EXPECT_EQ(same_boot.look(reading(kNow + days(3) + 11h, kUp + 11h)).believed_in, 13h) << "nor later";

  ClockWatch other_boot(first.record(), reading(kNow + days(3) + 11h, 20s, "second"));
  const ClockStatus status = other_boot.look(reading(kNow + days(3) + 11h, 20s, "second"));
  EXPECT_TRUE(status.removal_waits);
  EXPECT_FALSE(status.starting);
  EXPECT_EQ(status.believed_in, 24h);
  EXPECT_EQ(status.removal, kNow + 10h);
}

TEST(ClockWatchTest, AMachineWithoutABatteryGetsItsTimeFromTheTimeService) {
  // It starts with the time of its last shutdown; the time service answers after two minutes.
  ClockWatch watch(left_at(kNow), reading(kNow, 20s, "second"));
  watch.look(reading(kNow, 20s, "second"));
  const Instant right = kNow + days(30);
  const ClockStatus status = watch.look(reading(right, 140s, "second"));
  EXPECT_TRUE(status.removal_waits && status.starting);
  EXPECT_EQ(watch.look(reading(right + 15min, 140s + 15min, "second")).state, ClockState::plausible);
}

TEST(ClockWatchTest, AStepSoonAfterTheStartOfARunIsAJumpLikeAnyOther) {
  ClockWatch watch(left_at(kNow), reading(kNow + days(2), days(1), "second"));
  watch.look(reading(kNow + days(2), days(1), "second"));
  watch.look(reading(kNow + days(2) + 15min, days(1) + 15min, "second"));
  const ClockStatus status = watch.look(reading(kNow + days(5), days(1) + 16min, "second"));
  EXPECT_TRUE(status.removal_waits && !status.starting);
  EXPECT_EQ(status.believed_in, 24h);
}

TEST(ClockWatchTest, AMachineThatStartedInThePastIsToldTheTimeLate) {
  ClockWatch watch(left_at(kNow), reading(kNow - days(9800), 20s, "second"));
  EXPECT_TRUE(watch.look(reading(kNow - days(9800), 20s, "second")).mail_waits);
  EXPECT_TRUE(watch.look(reading(kNow - days(9800) + 5h, 20s + 5h, "second")).mail_waits);
  const ClockStatus status = watch.look(reading(kNow + days(2), 21s + 5h, "second"));
  EXPECT_FALSE(status.mail_waits);
  EXPECT_TRUE(status.removal_waits && status.starting);
  EXPECT_EQ(status.believed_in, 15min);
}

TEST(ClockWatchTest, AnOperatorEndsBoth) {
  ClockWatch early(left_at(kNow), reading(kNow - days(700), kUp));
  EXPECT_TRUE(early.look(reading(kNow - days(700), kUp)).mail_waits);
  early.confirm(reading(kNow - days(700), kUp));
  EXPECT_EQ(early.look(reading(kNow - days(700), kUp)).state, ClockState::plausible);
  EXPECT_EQ(early.record().newest, kNow - days(700)) << "over a restart, too";

  ClockWatch late(left_at(kNow), reading(kNow + days(3), kUp));
  EXPECT_TRUE(late.look(reading(kNow + days(3), kUp)).removal_waits);
  late.confirm(reading(kNow + days(3), kUp));
  EXPECT_EQ(late.look(reading(kNow + days(3) + 1s, kUp + 1s)).state, ClockState::plausible);
}

TEST(ClockWatchTest, SaysWhatWaitsAndUntilWhen) {
  ClockWatch behind(left_at(kNow), reading(kNow - days(1), kUp));
  EXPECT_EQ(explain(behind.look(reading(kNow - days(1), kUp))),
            "the clock says 2026-12-07T14:00:05.000Z, and 2026-12-08T14:00:05.000Z is in the database already: mails "
            "wait until then");
  ClockWatch ahead(left_at(kNow), reading(kNow + days(3), kUp));
  EXPECT_EQ(explain(ahead.look(reading(kNow + days(3), kUp))),
            "the clock was set ahead by 3 days, to 2026-12-11T14:00:05.000Z: what is due by that alone is removed in 1 "
            "day, unless the clock is set back");
  ClockWatch boot(left_at(kNow), reading(kNow + days(3), 20s, "second"));
  EXPECT_EQ(explain(boot.look(reading(kNow + days(3), 20s, "second"))),
            "the clock says 2026-12-11T14:00:05.000Z, 3 days after the last run: what is due since then is removed in "
            "15 minutes, when a time service has had the time to set the clock");
}

}  // namespace
}  // namespace s3link::delivery
