#include "services/pipeline/clock_guard.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>

#include "support/fake_clock.hpp"
#include "support/fake_clock_store.hpp"
#include "support/fake_logger.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using delivery::ClockState;
using std::chrono::days;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class ClockGuardTest : public testing::Test {
 protected:
  ~ClockGuardTest() override { stop(); }

  void start() {
    guard_ = std::make_unique<ClockGuard>(
        ClockGuardSettings{.read = [this] { return reading(); },
                           .take_confirmation = [this] { return std::exchange(confirmation_, Result<bool>(false)); },
                           .how_to_confirm = "touch /x/clock-confirmed"},
        store_, clock_, logger_);
    test_support::run_sync(guard_->begin());
    guard_->on_change([this] { ++changes_; });
    ended_ = false;
    asio::co_spawn(io_, guard_->run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  void stop() {
    if (!guard_) return;
    guard_->stop();
    settle();
    EXPECT_TRUE(ended_);
    guard_.reset();
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }
  delivery::ClockReading reading() {
    return {.wall = clock_.now(),
            .since_boot = std::chrono::floor<std::chrono::milliseconds>(clock_.steady_now().time_since_epoch()),
            .boot_id = "boot"};
  }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeLogger logger_;
  test_support::FakeClockStore store_;
  Result<bool> confirmation_ = false;
  std::unique_ptr<ClockGuard> guard_;
  bool ended_ = false;
  int changes_ = 0;
};

TEST_F(ClockGuardTest, APlausibleClockIsRecordedFromTimeToTime) {
  start();
  EXPECT_EQ(guard_->status().state, ClockState::plausible);
  EXPECT_EQ(guard_->report().trouble, "");
  EXPECT_EQ(store_.saves, 1U);
  for (int i = 0; i < 60; ++i) pass(10s);
  EXPECT_EQ(store_.saves, 2U);
  EXPECT_EQ(store_.record->newest, clock_.now());
  EXPECT_THAT(logger_.lines, IsEmpty());
}

TEST_F(ClockGuardTest, SaysWhenMailsWaitAndWhenTheyNoLongerDo) {
  start();
  clock_.step(-1h);
  EXPECT_TRUE(guard_->status().mail_waits) << "whoever asks, at once";
  EXPECT_TRUE(guard_->status().mail_waits);
  EXPECT_EQ(changes_, 1);
  ASSERT_THAT(logger_.lines,
              ElementsAre(StartsWith("mails wait for the clock detail=the clock says 2026-01-02T02:04")));
  EXPECT_THAT(logger_.lines[0], HasSubstr("if the clock is right: touch /x/clock-confirmed"));
  EXPECT_THAT(guard_->report().trouble, HasSubstr("mails wait"));
  pass(45min);
  EXPECT_EQ(guard_->status().state, ClockState::plausible);
  EXPECT_EQ(changes_, 2);
  EXPECT_EQ(logger_.lines.back(), "mails no longer wait for the clock clock=2026-01-02T02:49:05.000Z");
}

TEST_F(ClockGuardTest, AJumpIsSeenWithoutAnybodyAsking) {
  start();
  clock_.step(days(3));
  settle();
  ASSERT_THAT(logger_.lines,
              ElementsAre(StartsWith("removal waits for the clock detail=the clock was set ahead by 3 days")));
  EXPECT_EQ(store_.record->trusted, clock_.now() - days(3));
  EXPECT_EQ(guard_->status().removal, clock_.now() - days(3));
  for (int i = 0; i < 24; ++i) pass(1h);
  EXPECT_EQ(guard_->status().state, ClockState::plausible);
  EXPECT_THAT(logger_.lines.back(), StartsWith("removal no longer waits for the clock"));
}

TEST_F(ClockGuardTest, AConfirmationEndsItOverARestart) {
  start();
  clock_.step(-days(700));
  EXPECT_TRUE(guard_->status().mail_waits);
  confirmation_ = true;
  pass(5s);
  EXPECT_EQ(guard_->status().state, ClockState::plausible);
  EXPECT_THAT(logger_.lines,
              ElementsAre(StartsWith("mails wait"), StartsWith("clock confirmed"), StartsWith("mails no longer wait")));
  stop();
  start();
  EXPECT_EQ(guard_->status().state, ClockState::plausible);
  clock_.step(-days(700));
  EXPECT_TRUE(guard_->status().mail_waits) << "it was about that time, and no other";
}

TEST_F(ClockGuardTest, TheNextRunGoesOn) {
  start();
  stop();
  clock_.step(days(3));
  start();
  EXPECT_TRUE(guard_->status().removal_waits) << "from the start";
  EXPECT_FALSE(guard_->status().starting);
}

TEST_F(ClockGuardTest, AStoreThatDoesNotTakeTheRecordIsAskedAgain) {
  start();
  clock_.step(-1h);
  store_.failures = {{ErrorKind::transient, "disk full", ""}};
  pass(5s);
  EXPECT_EQ(logger_.lines.back(),
            "what the clock says cannot be recorded or confirmed reason=transient detail=disk full");
  EXPECT_TRUE(guard_->status().mail_waits);
  const auto saves = store_.saves;
  pass(2s);
  EXPECT_EQ(store_.saves, saves + 1);
}

TEST_F(ClockGuardTest, ARecordThatCannotBeReadKeepsNothingFromStarting) {
  store_.failures = {{ErrorKind::corrupt, "damaged", ""}};
  start();
  EXPECT_EQ(guard_->status().state, ClockState::plausible);
  EXPECT_THAT(logger_.lines, ElementsAre("the last run's clock cannot be read reason=corrupt detail=damaged"));
}

TEST_F(ClockGuardTest, AFileThatCannotBeRemovedConfirmsNothing) {
  start();
  clock_.step(-1h);
  confirmation_ = fail(ErrorKind::internal, "cannot remove it");
  pass(5s);
  EXPECT_TRUE(guard_->status().mail_waits);
  EXPECT_THAT(logger_.lines.back(), HasSubstr("cannot remove it"));
}

}  // namespace
}  // namespace s3link::pipeline
