#include "core/delivery/alarm_rule.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

const Instant kStart = from_unix_ms(1'796'738'405'000);
constexpr AlarmPolicy kPolicy{.min_interval = 15min, .reminder = 24h};

/// An evaluation of a script, and what it must lead to.
struct Look {
  std::chrono::milliseconds at;  ///< after kStart
  bool over;
  std::optional<AlarmMessage> message = {};
  std::uint64_t changes = 0;
  std::optional<std::chrono::milliseconds> next = {};  ///< after kStart
};
constexpr auto kAlarm = AlarmMessage::alarm;
constexpr auto kReminder = AlarmMessage::reminder;
constexpr auto kOk = AlarmMessage::ok;

struct ScriptCase {
  std::string name;
  std::vector<Look> looks;
};
const std::vector<ScriptCase> kScripts = {
    {"silent_while_all_is_well", {{0s, false}, {1min, false}, {240h, false}}},
    {"alarm_once_at_once", {{0s, false}, {1min, true, kAlarm, 1, 24h + 1min}, {2min, true, {}, 0, 24h + 1min}}},
    {"over_at_the_first_look", {{0s, true, kAlarm, 1, 24h}}},
    {"ok_at_once", {{0s, true, kAlarm, 1, 24h}, {1s, false, kOk, 1}, {2s, false}, {240h, false}}},
    {"reminder_each_day",
     {{0s, true, kAlarm, 1, 24h},
      {24h - 1s, true, {}, 0, 24h},
      {24h, true, kReminder, 0, 48h},
      {24h + 1s, true, {}, 0, 48h},
      {49h, true, kReminder, 0, 73h}}},
    {"ok_after_a_reminder", {{0s, true, kAlarm, 1, 24h}, {24h, true, kReminder, 0, 48h}, {25h, false, kOk, 1}}},
    {"second_alarm_waits",
     {{0s, true, kAlarm, 1, 24h},
      {1min, false, kOk, 1},
      {2min, true, {}, 0, 15min},
      {15min - 1ms, true, {}, 0, 15min},
      {15min, true, kAlarm, 1, 24h + 15min}}},
    {"second_ok_waits",
     {{0s, true, kAlarm, 1, 24h},
      {14min, false, kOk, 1},
      {15min, true, kAlarm, 1, 24h + 15min},
      {16min, false, {}, 0, 29min},
      {29min, false, kOk, 1}}},
    {"change_that_is_back_is_not_told_but_counted",
     {{0s, true, kAlarm, 1, 24h},
      {1min, false, kOk, 1},
      {2min, true, {}, 0, 15min},
      {3min, false},
      {4min, true, {}, 0, 15min},
      {5min, false},
      {20min, false},
      {21min, true, kAlarm, 5, 24h + 21min}}},
    {"later_alarms_come_at_once",
     {{0s, true, kAlarm, 1, 24h}, {1min, false, kOk, 1}, {16min, true, kAlarm, 1, 24h + 16min}}},
    {"clock_set_back_a_year",
     {{8760h, true, kAlarm, 1, 8784h},
      {0s, true, {}, 0, 24h},
      {23h, true, {}, 0, 24h},
      {24h, true, kReminder, 0, 48h},
      {25h, false, kOk, 1}}},
    {"clock_set_back_while_a_message_waits",
     {{8760h, true, kAlarm, 1, 8784h},
      {8760h + 1min, false, kOk, 1},
      {0s, true, {}, 0, 15min},
      {15min, true, kAlarm, 1, 24h + 15min}}},
};

class AlarmRuleTest : public testing::TestWithParam<ScriptCase> {};
TEST_P(AlarmRuleTest, TellsWhatItMust) {
  AlarmMemory memory;
  for (std::size_t i = 0; i < GetParam().looks.size(); ++i) {
    SCOPED_TRACE(i);
    const Look& look = GetParam().looks[i];
    const AlarmStep step = evaluate(kPolicy, memory, look.over, kStart + look.at);
    EXPECT_EQ(step.message, look.message);
    EXPECT_EQ(step.changes, look.changes);
    EXPECT_EQ(step.next, look.next ? std::optional(kStart + *look.next) : std::nullopt);
    EXPECT_EQ(step.memory.state, look.over ? AlarmState::alarm : AlarmState::ok);
    memory = step.memory;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, AlarmRuleTest, testing::ValuesIn(kScripts),
                         [](const auto& row) { return row.param.name; });

TEST(AlarmRule, RemembersSinceWhen) {
  const AlarmStep first = evaluate(kPolicy, {}, false, kStart);
  EXPECT_EQ(first.memory.since, kStart);
  const AlarmStep raised = evaluate(kPolicy, first.memory, true, kStart + 1min);
  EXPECT_EQ(raised.memory.since, kStart + 1min);
  EXPECT_EQ(raised.memory.told_since, kStart + 1min);
  const AlarmStep still = evaluate(kPolicy, raised.memory, true, kStart + 2min);
  EXPECT_EQ(still.memory, raised.memory) << "nothing to be saved";
  const AlarmStep over = evaluate(kPolicy, still.memory, false, kStart + 3min);
  EXPECT_EQ(over.memory.since, kStart + 3min);
  EXPECT_EQ(over.memory.told_since, kStart + 1min) << "what the OK message is about";
}

TEST(AlarmRule, FlappingOnceASecondForADayIsNoFlood) {
  AlarmMemory memory;
  std::uint64_t messages = 0, counted = 0;
  constexpr std::uint64_t kSeconds = 86'400;
  for (std::uint64_t second = 0; second < kSeconds; ++second) {
    const AlarmStep step = evaluate(kPolicy, memory, second % 2 == 0, kStart + std::chrono::seconds(second));
    memory = step.memory;
    messages += step.message ? 1 : 0;
    counted += step.changes;
  }
  EXPECT_GE(messages, 2U);
  EXPECT_LE(messages, 2U * 24 * 4);
  EXPECT_EQ(counted + memory.changes, kSeconds) << "every change is in a message, or will be";
}

TEST(AlarmRule, WordsAreReadBack) {
  for (const auto state : {AlarmState::ok, AlarmState::alarm}) EXPECT_EQ(parse_alarm_state(to_string(state)), state);
  for (const auto message : {kAlarm, kReminder, kOk}) EXPECT_EQ(parse_alarm_message(to_string(message)), message);
  EXPECT_EQ(parse_alarm_state("ok"), std::nullopt);
  EXPECT_EQ(parse_alarm_message(""), std::nullopt);
}

}  // namespace
}  // namespace s3link::delivery
