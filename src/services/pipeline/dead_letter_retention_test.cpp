#include "services/pipeline/dead_letter_retention.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "support/fake_clock.hpp"
#include "support/fake_dead_letter_queue.hpp"
#include "support/fake_logger.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using test_support::run_sync;

class DeadLetterRetentionTest : public testing::Test {
 protected:
  ~DeadLetterRetentionTest() override {
    retention_.stop();
    settle();
    EXPECT_TRUE(ended_);
  }
  void start() {
    asio::co_spawn(io_, retention_.run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }
  std::int64_t add_dead() {
    const auto id = outbox_.add("{}", clock_.now());
    EXPECT_TRUE(run_sync(outbox_.give_up(id, clock_.now(), {"denied", "550 no"})));
    return id;
  }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeLogger logger_;
  test_support::FakeOutbox outbox_;
  test_support::FakeDeadLetterQueue queue_{outbox_};
  Instant::duration doubted_{0};  ///< by which the clock may be ahead
  DeadLetterRetention retention_{queue_, clock_, logger_, [this] { return clock_.now() - doubted_; }};
  bool ended_ = false;
};

TEST_F(DeadLetterRetentionTest, OldOnesAreDroppedByRuleAndLogged) {
  const auto old = add_dead();
  clock_.advance(days(1));
  const auto young = add_dead();
  start();
  pass(days(13));
  EXPECT_EQ(outbox_.row(old).state, "dead") << "14 days are not over yet";
  pass(1h);
  EXPECT_EQ(outbox_.row(old).state, "dropped");
  EXPECT_EQ(outbox_.row(old).reason->kind, "retention");
  EXPECT_EQ(outbox_.row(young).state, "dead");
  EXPECT_EQ(logger_.lines,
            (std::vector<std::string>{"dead letter dropped event_id=1 bucket= key= rule=retention reason=denied "
                                      "last_failure=2026-01-02T03:04:05.000Z trace_id=",
                                      "old dead letters dropped rule=retention count=1"}));
}

TEST_F(DeadLetterRetentionTest, WhatIsOverdueAtTheStartGoesInBatches) {
  for (int i = 0; i < 450; ++i) add_dead();
  clock_.advance(days(30));
  start();
  EXPECT_EQ(logger_.lines.back(), "old dead letters dropped rule=retention count=450");
  EXPECT_EQ(*run_sync(queue_.length()), 0U);
  EXPECT_EQ(retention_.dropped(), 450U);
}

TEST_F(DeadLetterRetentionTest, CountsTheirAgeByTheTimeThatItIsTold) {
  const auto letter = add_dead();
  start();
  doubted_ = days(30);
  pass(days(30));
  EXPECT_EQ(outbox_.row(letter).state, "dead");
  doubted_ = days(1);
  pass(1h);
  EXPECT_EQ(outbox_.row(letter).state, "dropped");
}

TEST_F(DeadLetterRetentionTest, ErrorIsLoggedAndTriedAgain) {
  const auto old = add_dead();
  clock_.advance(days(15));
  queue_.failures = {{ErrorKind::transient, "busy", ""}};
  start();
  EXPECT_EQ(outbox_.row(old).state, "dead");
  EXPECT_EQ(logger_.lines, std::vector<std::string>{"removal of old dead letters failed reason=transient detail=busy"});
  pass(1h);
  EXPECT_EQ(outbox_.row(old).state, "dropped");
}

}  // namespace
}  // namespace s3link::pipeline
