#include "services/pipeline/alarm_feed.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <stdexcept>

#include "services/pipeline/alarm_topic.hpp"
#include "support/fake_alarm_store.hpp"
#include "support/fake_alarm_subscriber.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"
#include "support/fake_random.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using test_support::run_sync;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class AlarmFeedTest : public testing::Test {
 protected:
  ~AlarmFeedTest() override {
    if (topic_) stop();
  }

  void start() {
    topic_ = std::make_unique<AlarmTopic>(AlarmFeedSettings{}, std::vector<ports::AlarmSubscriber*>{&mail_, &hook_},
                                          store_, clock_, random_, logger_);
    asio::co_spawn(io_, topic_->run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  void stop() {
    topic_->stop();
    settle();
    pass(5s);  // the grace of a running attempt
    EXPECT_TRUE(ended_);
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
  void notify() {
    alarm::Notification notification;
    notification.made = clock_.now();
    ASSERT_TRUE(
        run_sync(store_.save_and_notify(alarm::AlarmName::dead_letters, {}, notification, {"email", "webhook"})));
    if (topic_) topic_->wake();
    settle();
  }
  /// What never answers; ends when it is cancelled.
  std::function<Awaitable<void>()> hang() {
    return [this] { return clock_.sleep_until(clock_.now() + 10'000h); };
  }
  static Error error(ErrorKind kind, std::string message) { return {kind, std::move(message), ""}; }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  test_support::FakeLogger logger_;
  test_support::FakeAlarmStore store_;
  test_support::FakeAlarmSubscriber mail_{"email"}, hook_{"webhook"};
  std::unique_ptr<AlarmTopic> topic_;
  bool ended_ = false;
};

TEST_F(AlarmFeedTest, TellsEachSubscriberInOrder) {
  notify();
  start();
  notify();
  notify();
  EXPECT_THAT(mail_.tried, ElementsAre(1, 2, 3));
  EXPECT_THAT(hook_.tried, ElementsAre(1, 2, 3));
  EXPECT_EQ(store_.records["email"].told, 3U);
  EXPECT_TRUE(store_.pending["email"].empty());
}

TEST_F(AlarmFeedTest, FailureIsLoggedCountedAndTriedAgainLaterAndLater) {
  start();
  for (int i = 0; i < 3; ++i) mail_.failures.push_back(error(ErrorKind::transient, "451 later"));
  notify();
  EXPECT_EQ(hook_.told.size(), 1U) << "the other one does not wait";
  EXPECT_EQ(store_.records["email"].failed_attempts, 1U);
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("alarm not told yet subscriber=email")));
  pass(1s);
  EXPECT_EQ(mail_.tried.size(), 2U);
  pass(999ms);
  EXPECT_EQ(mail_.tried.size(), 2U);
  pass(1001ms);
  pass(4s);
  EXPECT_EQ(mail_.told.size(), 1U);
  EXPECT_EQ(store_.records["email"].told, 1U);
  EXPECT_EQ(store_.records["email"].failed_attempts, 3U);
}

TEST_F(AlarmFeedTest, WhatCannotBeRecordedIsNotToldAgain) {
  start();
  mail_.before = [this]() -> Awaitable<void> {
    store_.unwritable = error(ErrorKind::transient, "no space left");
    co_return;
  };
  notify();
  for (int minute = 0; minute < 10; ++minute) pass(1min);
  EXPECT_THAT(mail_.tried, ElementsAre(1));
  EXPECT_THAT(hook_.tried, ElementsAre(1));
  store_.unwritable.reset();
  mail_.before = {};
  pass(1min);
  EXPECT_EQ(store_.records["email"].told, 1U);
  EXPECT_TRUE(store_.pending["email"].empty());
  notify();
  EXPECT_THAT(mail_.tried, ElementsAre(1, 2)) << "what comes behind it is told";
}

TEST_F(AlarmFeedTest, FailureThatCannotBeRecordedIsNoReasonToTryMoreOften) {
  start();
  hook_.failures.push_back(error(ErrorKind::transient, "refused"));
  hook_.before = [this]() -> Awaitable<void> {
    store_.unwritable = error(ErrorKind::transient, "no space left");
    co_return;
  };
  notify();
  for (int minute = 0; minute < 10; ++minute) pass(1min);
  EXPECT_EQ(hook_.tried.size(), 1U);
  store_.unwritable.reset();
  hook_.before = {};
  pass(1min);
  EXPECT_EQ(hook_.told.size(), 1U);
  EXPECT_EQ(store_.records["webhook"].failed_attempts, 1U);
}

TEST_F(AlarmFeedTest, RefusalForGoodEndsIt) {
  start();
  hook_.failures.push_back(error(ErrorKind::denied, "answered 404"));
  notify();
  EXPECT_EQ(store_.records["webhook"].given_up, 1U);
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("alarm not told subscriber=webhook")));
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("detail=answered 404")));
  pass(48h);
  EXPECT_EQ(hook_.tried.size(), 1U);
  notify();
  EXPECT_EQ(hook_.told.size(), 1U) << "the next is told";
}

TEST_F(AlarmFeedTest, IsGivenUpAfterADay) {
  start();
  for (int i = 0; i < 1'000; ++i) mail_.failures.push_back(error(ErrorKind::transient, "451 later"));
  notify();
  for (int minute = 0; minute < 25 * 60; ++minute) pass(1min);
  EXPECT_EQ(store_.records["email"].given_up, 1U);
  EXPECT_TRUE(store_.pending["email"].empty());
  EXPECT_GT(mail_.tried.size(), 40U);
  EXPECT_LT(mail_.tried.size(), 130U);
}

TEST_F(AlarmFeedTest, HangingSubscriberHasADeadlineAndHoldsUpNobody) {
  start();
  hook_.before = hang();
  notify();
  notify();
  EXPECT_EQ(mail_.told.size(), 2U);
  EXPECT_THAT(hook_.tried, ElementsAre(1));
  pass(89s);
  EXPECT_EQ(store_.records["webhook"].failed_attempts, 0U);
  pass(1s);
  EXPECT_EQ(store_.records["webhook"].failed_attempts, 1U);
  EXPECT_EQ(store_.records["webhook"].last_reason, "no answer in time");
  hook_.before = {};
  pass(1s);
  EXPECT_THAT(hook_.tried, ElementsAre(1, 1, 2));
  EXPECT_EQ(hook_.told.size(), 2U);
}

TEST_F(AlarmFeedTest, WhatThrowsIsAFailureLikeAnother) {
  start();
  mail_.before = []() -> Awaitable<void> {
    throw std::runtime_error("a bug");
    co_return;
  };
  notify();
  EXPECT_EQ(store_.records["email"].last_reason, "unexpected: a bug");
  EXPECT_EQ(hook_.told.size(), 1U);
  mail_.before = {};
  pass(1s);
  EXPECT_EQ(mail_.told.size(), 1U);
}

TEST_F(AlarmFeedTest, WhatWasNotToldIsToldAfterTheNextStart) {
  start();
  mail_.failures.push_back(error(ErrorKind::transient, "connection refused"));
  notify();
  stop();
  EXPECT_EQ(mail_.told.size(), 0U);
  ended_ = false;
  start();
  pass(1s);
  EXPECT_EQ(mail_.told.size(), 1U);
  EXPECT_EQ(mail_.tried[0], mail_.tried[1]) << "the same notification";
}

TEST_F(AlarmFeedTest, StopLetsARunningAttemptEndWithinItsGrace) {
  start();
  hook_.before = hang();
  notify();
  topic_->stop();
  settle();
  EXPECT_FALSE(ended_);
  pass(5s);
  EXPECT_TRUE(ended_);
  EXPECT_EQ(store_.pending["webhook"].size(), 1U);
  EXPECT_EQ(store_.records["webhook"].failed_attempts, 0U) << "broken off by us is no failure of theirs";
  topic_.reset();
}

TEST_F(AlarmFeedTest, ClockSetBackDoesNotHoldARetryForLong) {
  start();
  mail_.failures.push_back(error(ErrorKind::transient, "451 later"));
  clock_.advance(8760h);
  notify();
  clock_.set(clock_.now() - 8760h);
  topic_->wake();
  settle();
  EXPECT_EQ(mail_.told.size(), 1U);
}

TEST_F(AlarmFeedTest, StoreThatFailsIsAskedAgain) {
  notify();
  store_.failures = {error(ErrorKind::transient, "busy"), error(ErrorKind::transient, "busy")};
  start();
  pass(2s);
  EXPECT_EQ(mail_.told.size() + hook_.told.size(), 2U);
  EXPECT_THAT(logger_.lines, Contains(HasSubstr("alarm notifications cannot be read or recorded")));
}

}  // namespace
}  // namespace s3link::pipeline
