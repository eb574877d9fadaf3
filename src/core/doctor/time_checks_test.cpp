#include "core/doctor/time_checks.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::doctor {
namespace {

using namespace std::chrono_literals;

const Instant kNow = *parse_iso8601("2026-11-25T12:00:00Z");

struct ClockCase {
  std::string name;
  std::chrono::milliseconds date, answered;  // after the request
  Verdict verdict;
};
const std::vector<ClockCase> kClockCases = {
    {"same_second", 0ms, 10ms, Verdict::ok},
    {"slow_answer", 8s, 9s, Verdict::ok},
    {"thirty_seconds_behind", 30s, 0s, Verdict::ok},
    {"forty_seconds_behind", 40s, 0s, Verdict::warning},
    {"forty_seconds_ahead", -40s, 0s, Verdict::warning},
    {"five_minutes_behind", 5min, 0s, Verdict::warning},
    {"six_minutes_behind", 6min, 0s, Verdict::failed},
    {"six_minutes_ahead", -6min, 0s, Verdict::failed},
};
class CheckClockTest : public testing::TestWithParam<ClockCase> {};
TEST_P(CheckClockTest, Judges) {
  const auto& row = GetParam();
  const Finding got = check_clock(kNow + row.date, kNow, kNow + row.answered, "https://files.example.org");
  EXPECT_EQ(got.verdict, row.verdict) << got.message;
  EXPECT_EQ(got.fix.empty(), row.verdict == Verdict::ok);
}
INSTANTIATE_TEST_SUITE_P(Table, CheckClockTest, testing::ValuesIn(kClockCases),
                         [](const auto& row) { return row.param.name; });

TEST(CheckClock, SaysWhichWay) {
  EXPECT_TRUE(check_clock(kNow - 10min, kNow, kNow, "X").message.starts_with("this machine is 9 min ahead of X"));
  EXPECT_TRUE(check_clock(kNow + 10min, kNow, kNow, "X").message.starts_with("this machine is 10 min behind X"));
}

TEST(CheckCertificateDays, JudgesByTheDaysLeft) {
  const auto verdict = [](std::chrono::hours begins, std::chrono::hours ends) {
    return check_certificate_days(kNow + begins, kNow + ends, kNow, "cert.pem").verdict;
  };
  EXPECT_EQ(verdict(-24h, 15 * 24h), Verdict::ok);
  EXPECT_EQ(verdict(-24h, 13 * 24h), Verdict::warning);
  EXPECT_EQ(verdict(-24h, -1h), Verdict::failed);
  EXPECT_EQ(verdict(1h, 48h), Verdict::failed);
}

}  // namespace
}  // namespace s3link::doctor
