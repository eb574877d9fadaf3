#include "services/pipeline/recurring_look.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using testing::Contains;

class RecurringLookTest : public testing::Test {
 protected:
  ~RecurringLookTest() override {
    loop_.stop();
    settle();
    EXPECT_TRUE(ended_);
  }

  void start() {
    ended_ = false;
    asio::co_spawn(io_, loop_.run([this] { return look(); }), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  Awaitable<Result<std::optional<Instant>>> look() {
    ++looks_;
    if (throws_) throw std::runtime_error("a bug");
    co_return outcome_;
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeLogger logger_;
  RecurringLook loop_{"look failed", {{"part", "test"}}, clock_, logger_};
  Result<std::optional<Instant>> outcome_ = std::nullopt;
  bool throws_ = false, ended_ = true;
  unsigned looks_ = 0;
};

TEST_F(RecurringLookTest, LooksAtOnceAndWhenItIsDue) {
  outcome_ = clock_.now() + 10s;
  start();
  EXPECT_EQ(looks_, 1U);
  pass(9s);
  EXPECT_EQ(looks_, 1U);
  outcome_ = std::nullopt;
  pass(1s);
  EXPECT_EQ(looks_, 2U);
  pass(24h);
  EXPECT_EQ(looks_, 2U);
}

TEST_F(RecurringLookTest, IsWokenAlsoByWhatOutlivesIt) {
  start();
  loop_.wake();
  settle();
  EXPECT_EQ(looks_, 2U);
  std::function<void()> waker = loop_.waker();
  waker();
  settle();
  EXPECT_EQ(looks_, 3U);
  {
    const RecurringLook gone("", {}, clock_, logger_);
    waker = gone.waker();
  }
  waker();
  settle();
  EXPECT_EQ(looks_, 3U);
}

TEST_F(RecurringLookTest, FailuresAreLoggedAndTriedAgainEverLater) {
  outcome_ = fail(ErrorKind::transient, "disk full");
  start();
  EXPECT_THAT(logger_.lines, Contains("look failed part=test reason=transient detail=disk full"));
  std::vector<unsigned> looks;
  for (const auto wait : {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}) {
    pass(wait - 1ms);
    const unsigned before = looks_;
    pass(1ms);
    looks.push_back(looks_ - before);
  }
  EXPECT_THAT(looks, testing::Each(1U));
  outcome_ = clock_.now() + 1h;
  pass(60s);
  outcome_ = fail(ErrorKind::transient, "disk full");
  loop_.wake();
  settle();
  const unsigned before = looks_;
  pass(1s);
  EXPECT_EQ(looks_, before + 1) << "a look that went well begins the waits anew";
}

TEST_F(RecurringLookTest, LookThatThrowsIsAFailure) {
  throws_ = true;
  start();
  EXPECT_THAT(logger_.lines, Contains("look failed part=test reason=internal detail=a bug"));
  throws_ = false;
  pass(1s);
  EXPECT_EQ(looks_, 2U);
}

TEST_F(RecurringLookTest, StoppedBeforeTheStartItNeverLooks) {
  loop_.stop();
  start();
  EXPECT_EQ(looks_, 0U);
  EXPECT_TRUE(ended_);
}

}  // namespace
}  // namespace s3link::pipeline
