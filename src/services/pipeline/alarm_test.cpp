#include "services/pipeline/alarm.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <set>

#include "support/fake_alarm_store.hpp"
#include "support/fake_alarm_subscriber.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"
#include "support/fake_random.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using alarm::AlarmName;
using delivery::AlarmMessage;
using delivery::AlarmState;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// The alarm and its topic over a fake store and two fake subscribers, at a clock that stands still.
class AlarmTest : public testing::Test {
 protected:
  ~AlarmTest() override { stop(); }

  void start() {
    std::vector<ports::AlarmSubscriber*> all;
    for (auto* const subscriber : subscribed_) all.push_back(subscriber);
    topic_ = std::make_unique<AlarmTopic>(AlarmFeedSettings{}, all, store_, clock_, random_, logger_);
    alarm_ = std::make_unique<Alarm>(AlarmSettings{.dead_letter_threshold = 5,
                                                   .max_wait = 1h,
                                                   .period = 60s,
                                                   .policy = {},
                                                   .clock = [this] { return clock_report_; },
                                                   .storage = [this] { return storage_; }},
                                     store_, *topic_, clock_, logger_);
    running_ = 2;
    const auto ended = [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      --running_;
    };
    asio::co_spawn(io_, alarm_->run(), ended);
    asio::co_spawn(io_, topic_->run(), ended);
    settle();
  }
  void stop() {
    if (!alarm_) return;
    alarm_->stop();
    topic_->stop();
    pass(1s);  // the pause before a look
    EXPECT_EQ(running_, 0);
    alarm_.reset();
    topic_.reset();
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }
  std::vector<AlarmMessage> told(const test_support::FakeAlarmSubscriber& subscriber) {
    std::vector<AlarmMessage> out;
    for (const auto& notification : subscriber.told) out.push_back(notification.message);
    return out;
  }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  test_support::FakeLogger logger_;
  test_support::FakeAlarmStore store_;
  test_support::FakeAlarmSubscriber mail_{"email"}, hook_{"webhook"};
  std::vector<test_support::FakeAlarmSubscriber*> subscribed_ = {&mail_, &hook_};
  std::unique_ptr<AlarmTopic> topic_;
  std::unique_ptr<Alarm> alarm_;
  ClockReport clock_report_;
  std::optional<StorageTrouble> storage_;
  int running_ = 0;
};

TEST_F(AlarmTest, ThresholdItselfIsNoAlarm) {
  store_.add_dead_letters(5);
  start();
  pass(240h);
  EXPECT_TRUE(mail_.told.empty());
}

TEST_F(AlarmTest, EverySubscriberIsToldOnceAndOnceWhenItIsOver) {
  start();
  store_.add_dead_letters(4, "denied", "550 no");
  store_.add_dead_letters(2, "transient", "451 later");
  settle();
  pass(500ms);
  ASSERT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
  ASSERT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm));
  const auto& notification = mail_.told[0];
  EXPECT_EQ(notification.alarm, AlarmName::dead_letters);
  EXPECT_EQ(notification.value, 6U) << "what fails together is told together";
  EXPECT_EQ(notification.threshold, 5U);
  EXPECT_EQ(notification.made, clock_.now());
  EXPECT_EQ(notification.since, clock_.now());
  EXPECT_EQ(notification.reasons,
            (std::vector<alarm::FrequentReason>{{"denied: 550 no", 4}, {"transient: 451 later", 2}}));
  const Instant raised = clock_.now();

  pass(1h);
  store_.add_dead_letters(10);
  pass(1h);
  EXPECT_EQ(mail_.told.size(), 1U) << "more of the same is no news";
  store_.remove_dead_letters();
  settle();
  pass(500ms);
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok));
  EXPECT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok));
  EXPECT_EQ(mail_.told[1].alarm_since, raised);
  EXPECT_EQ(mail_.told[1].since, clock_.now());
  EXPECT_EQ(mail_.told[1].value, 0U);
  EXPECT_TRUE(mail_.told[1].reasons.empty());
  EXPECT_THAT(logger_.lines, Contains("alarm raised alarm=dead-letters value=6 threshold=5"));
  EXPECT_THAT(logger_.lines, Contains("alarm over alarm=dead-letters value=0 threshold=5"));
}

TEST_F(AlarmTest, ChangeThatTheStoreDoesNotTellIsSeenWithinAPeriod) {
  start();
  store_.on_dead_letters_changed({});
  store_.add_dead_letters(6);
  pass(59s);
  EXPECT_TRUE(mail_.told.empty());
  pass(1s);
  EXPECT_EQ(mail_.told.size(), 1U);
}

TEST_F(AlarmTest, AClockThatCannotBeRightIsToldSoonAfterItIsSeen) {
  start();
  clock_.step(-26h);
  clock_report_ = {.status = {.state = delivery::ClockState::behind,
                              .mail_waits = true,
                              .wall = clock_.now(),
                              .newest = clock_.now() + 26h},
                   .trouble = "the clock says 2000"};
  alarm_->waker()();
  settle();
  pass(500ms);
  ASSERT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
  EXPECT_EQ(mail_.told[0].alarm, AlarmName::clock);
  EXPECT_EQ(mail_.told[0].value, 26U * 3600);
  EXPECT_EQ(mail_.told[0].reasons, (std::vector<alarm::FrequentReason>{{"the clock says 2000", 1}}));
  clock_report_ = {};
  alarm_->waker()();
  settle();
  pass(500ms);
  EXPECT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok));
}

TEST_F(AlarmTest, AStartAfterALongWhileIsNoAlarm) {
  clock_report_ = {.status = {.state = delivery::ClockState::ahead,
                              .removal_waits = true,
                              .starting = true,
                              .wall = clock_.now(),
                              .removal = clock_.now() - 700h},
                   .trouble = "a month"};
  start();
  EXPECT_TRUE(mail_.told.empty());
  clock_report_.status.starting = false;
  pass(60s);
  ASSERT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
  EXPECT_EQ(mail_.told[0].value, 700U * 3600);
}

TEST_F(AlarmTest, ReminderComesAfterADay) {
  store_.add_dead_letters(6);
  start();
  ASSERT_EQ(mail_.told.size(), 1U) << "looks at the start";
  for (int hour = 0; hour < 23; ++hour) pass(1h);
  EXPECT_EQ(mail_.told.size(), 1U);
  pass(1h);
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm, AlarmMessage::reminder));
  EXPECT_EQ(mail_.told[1].since, mail_.told[0].since);
  EXPECT_THAT(logger_.lines, Contains(StartsWith("alarm still raised")));
}

TEST_F(AlarmTest, EventThatWaitsTooLongIsAnAlarmOfItsOwn) {
  store_.waiting.emplace_back(clock_.now(), test_support::FakeAlarmStore::Reason("transient", "connection refused"));
  start();
  for (int minute = 0; minute < 60; ++minute) pass(1min);
  EXPECT_TRUE(mail_.told.empty());
  pass(1min);
  ASSERT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
  EXPECT_EQ(mail_.told[0].alarm, AlarmName::oldest_event);
  EXPECT_EQ(mail_.told[0].value, 3'660U);
  EXPECT_EQ(mail_.told[0].threshold, 3'600U);
  EXPECT_EQ(mail_.told[0].reasons, (std::vector<alarm::FrequentReason>{{"transient: connection refused", 1}}));
  store_.waiting.clear();
  pass(1min);
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok));
  EXPECT_EQ(store_.memories[AlarmName::dead_letters].state, AlarmState::ok);
}

TEST_F(AlarmTest, EventFromTheFutureIsNoAlarm) {
  store_.waiting.emplace_back(clock_.now() + 24h, std::nullopt);
  start();
  EXPECT_TRUE(mail_.told.empty());
  EXPECT_EQ(store_.memories[AlarmName::oldest_event].state, AlarmState::ok);
}

TEST_F(AlarmTest, RestartRepeatsNothing) {
  store_.add_dead_letters(6);
  start();
  ASSERT_EQ(mail_.told.size(), 1U);
  stop();
  clock_.advance(1h);
  start();
  EXPECT_EQ(mail_.told.size(), 1U);
  stop();
  store_.remove_dead_letters();
  start();
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok)) << "what changed meanwhile is told";
}

TEST_F(AlarmTest, FlappingForADayIsNoFlood) {
  start();
  for (int minute = 0; minute < 24 * 60; ++minute) {
    if (minute % 2 == 0) {
      store_.add_dead_letters(6);
    } else {
      store_.remove_dead_letters();
    }
    pass(1min);
  }
  EXPECT_GE(mail_.told.size(), 2U);
  EXPECT_LE(mail_.told.size(), 2U * 24 * 4);
  std::uint64_t changes = 0;
  for (const auto& notification : mail_.told) changes += notification.changes;
  EXPECT_GE(changes, 1'400U) << "the messages account for what they left out";
}

TEST_F(AlarmTest, NobodySubscribedIsLoggedOnly) {
  subscribed_.clear();
  store_.add_dead_letters(6);
  start();
  pass(1h);
  EXPECT_THAT(logger_.lines, Contains(StartsWith("alarm raised")));
  EXPECT_EQ(store_.memories[AlarmName::dead_letters].state, AlarmState::alarm);
}

TEST_F(AlarmTest, SubscriberOfAnEarlierConfigurationIsForgotten) {
  store_.pending["webhook"].push_back({});
  store_.records["webhook"].name = "webhook";
  subscribed_ = {&mail_};
  start();
  EXPECT_FALSE(store_.pending.contains("webhook"));
}

TEST_F(AlarmTest, SubscriberThatIsNewHearsAtTheStartWhatTheOthersWereTold) {
  subscribed_ = {&hook_};
  store_.add_dead_letters(6);
  start();
  ASSERT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm));
  stop();
  clock_.advance(1h);
  subscribed_ = {&mail_, &hook_};
  start();
  ASSERT_THAT(told(mail_), ElementsAre(AlarmMessage::reminder));
  EXPECT_EQ(mail_.told[0].since, hook_.told[0].since);
  EXPECT_EQ(mail_.told[0].value, 6U);
  EXPECT_EQ(mail_.told[0].reasons.size(), 1U);
  pass(1h);
  stop();
  start();
  EXPECT_EQ(mail_.told.size(), 1U) << "is new once";
  EXPECT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm));
}

TEST_F(AlarmTest, SubscriberThatIsNewHearsNothingWhenAllIsWell) {
  subscribed_ = {&hook_};
  store_.add_dead_letters(6);
  start();
  store_.remove_dead_letters();
  settle();
  pass(500ms);
  ASSERT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok));
  stop();
  subscribed_ = {&mail_, &hook_};
  start();
  pass(1h);
  EXPECT_TRUE(mail_.told.empty());
}

TEST_F(AlarmTest, StoreThatFailsIsAskedAgainAndTheAlarmStillComesOnce) {
  store_.add_dead_letters(6);
  store_.failures = {{ErrorKind::transient, "disk full", ""}};
  start();
  EXPECT_TRUE(mail_.told.empty());
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("disk full")));
  for (int second = 0; second < 5; ++second) pass(1s);
  EXPECT_EQ(mail_.told.size(), 1U);
}

const Error kDiskFull{ErrorKind::transient, "no space left for the database", ""};

TEST_F(AlarmTest, WhatTheStoreDoesNotTakeIsToldOnceAndStoredLater) {
  store_.record_notified({"email", "webhook"});
  start();
  store_.unwritable = kDiskFull;
  store_.add_dead_letters(6, "denied", "550 no");
  settle();
  for (int minute = 0; minute < 30; ++minute) pass(1min);
  ASSERT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
  ASSERT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm));
  EXPECT_EQ(mail_.told[0].reasons, (std::vector<alarm::FrequentReason>{{"denied: 550 no", 6}}));
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("no space left for the database")));
  EXPECT_EQ(std::ranges::count_if(logger_.lines, [](const auto& line) { return line.starts_with("alarm raised"); }), 1);

  store_.unwritable.reset();
  for (int minute = 0; minute < 30; ++minute) pass(1min);
  EXPECT_EQ(store_.memories[AlarmName::dead_letters].told, AlarmState::alarm);
  EXPECT_EQ(mail_.told.size(), 1U) << "what is stored now was told already";
  stop();
  start();
  EXPECT_EQ(mail_.told.size(), 1U) << "and a restart knows it";
}

TEST_F(AlarmTest, WhatTheStoreDoesNotTakeIsOverTooOnce) {
  start();
  store_.unwritable = kDiskFull;
  for (int hour = 0; hour < 3; ++hour) {
    store_.add_dead_letters(6);
    pass(30min);
    store_.remove_dead_letters();
    pass(30min);
  }
  EXPECT_THAT(told(hook_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok, AlarmMessage::alarm, AlarmMessage::ok,
                                       AlarmMessage::alarm, AlarmMessage::ok));
  std::set<std::int64_t> ids;
  for (const auto& notification : hook_.told) ids.insert(notification.id);
  EXPECT_EQ(ids.size(), hook_.told.size()) << "each is another";
}

TEST_F(AlarmTest, SubscriberThatIsAwayIsToldFromMemoryWhenItIsBack) {
  start();
  store_.unwritable = kDiskFull;
  hook_.failures.assign(4, {ErrorKind::transient, "refused", ""});
  store_.add_dead_letters(6);
  settle();
  for (int minute = 0; minute < 5; ++minute) pass(1min);
  EXPECT_EQ(mail_.told.size(), 1U);
  EXPECT_EQ(hook_.tried.size(), 5U);
  EXPECT_EQ(hook_.told.size(), 1U);
}

TEST_F(AlarmTest, StorageThatFailsIsAnAlarmWithItsReason) {
  start();
  storage_ = {.since = clock_.now(), .reason = "no file can be made in objects/: Permission denied"};
  alarm_->waker()();
  settle();
  pass(500ms);
  ASSERT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
  EXPECT_EQ(mail_.told[0].alarm, AlarmName::storage);
  EXPECT_EQ(mail_.told[0].reasons[0].text, storage_->reason);
  storage_.reset();
  pass(1min);
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok));
  EXPECT_EQ(store_.memories[AlarmName::storage].state, AlarmState::ok);
}

TEST_F(AlarmTest, DiskThatDoesNotAnswerIsToldWithoutWaitingForAWrite) {
  start();
  const unsigned saved = store_.saved;
  storage_ = {.since = clock_.now(), .reason = "the disk has not answered for 10 s", .unanswered = true};
  pass(1min);
  pass(1min);
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
  EXPECT_EQ(store_.saved, saved);
  storage_.reset();
  pass(1min);
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm, AlarmMessage::ok));
  EXPECT_GT(store_.saved, saved);
}

TEST_F(AlarmTest, StoreThatCannotBeReadKeepsNoStorageAlarmBack) {
  start();
  storage_ = {.since = clock_.now(), .reason = "Input/output error"};
  store_.failures.assign(1, {ErrorKind::internal, "disk I/O error", ""});
  pass(1min);
  EXPECT_THAT(told(mail_), ElementsAre(AlarmMessage::alarm));
}

TEST_F(AlarmTest, NothingIsWrittenWhileNothingChanges) {
  start();
  const unsigned saved = store_.saved;
  for (int minute = 0; minute < 60; ++minute) pass(1min);
  EXPECT_EQ(store_.saved, saved);
  EXPECT_GT(store_.measured, 60U);
}

}  // namespace
}  // namespace s3link::pipeline
