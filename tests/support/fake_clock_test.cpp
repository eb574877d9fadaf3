#include "support/fake_clock.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "support/run_sync.hpp"

namespace s3link::test_support {
namespace {

using namespace std::chrono_literals;

TEST(FakeClock, AdvanceWakesWhoseTimeHasCome) {
  FakeClock clock;
  asio::io_context io;
  int woken = 0;
  for (const auto delay : {1s, 10s}) {
    asio::co_spawn(io, clock.sleep_until(clock.now() + delay), [&](std::exception_ptr e) {
      EXPECT_FALSE(e);
      ++woken;
    });
  }
  io.poll();
  EXPECT_EQ(clock.sleepers(), 2U);
  clock.advance(5s);
  io.poll();
  EXPECT_EQ(woken, 1);
  clock.advance(5s);
  io.poll();
  EXPECT_EQ(woken, 2);
}

TEST(FakeClock, AStepMovesTheWallClockAloneAndASleepLastsNoLonger) {
  FakeClock clock;
  asio::io_context io;
  bool woken = false;
  const auto steady = clock.steady_now();
  asio::co_spawn(io, clock.sleep_until(clock.now() + 10s), [&](std::exception_ptr e) {
    EXPECT_FALSE(e);
    woken = true;
  });
  io.poll();
  clock.step(-1h);
  EXPECT_EQ(clock.steady_now(), steady);
  clock.advance(9s);
  io.poll();
  EXPECT_FALSE(woken);
  clock.advance(1s);
  io.poll();
  EXPECT_TRUE(woken);
  EXPECT_EQ(clock.steady_now(), steady + 10s);
}

TEST(FakeClock, CancellationEndsTheSleepWithoutError) {
  FakeClock clock;
  asio::io_context io;
  asio::cancellation_signal stop;
  bool ended = false;
  asio::co_spawn(io, clock.sleep_until(clock.now() + 1h),
                 asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr e) {
                   EXPECT_FALSE(e);
                   ended = true;
                 }));
  io.poll();
  stop.emit(asio::cancellation_type::terminal);
  io.poll();
  EXPECT_TRUE(ended);
  EXPECT_EQ(clock.sleepers(), 0U);
}

TEST(FakeClock, SkippedSleepMovesTime) {
  FakeClock clock;
  clock.skip_sleep();
  const Instant start = clock.now();
  run_sync(clock.sleep_until(start + 1min));
  EXPECT_EQ(clock.now(), start + 1min);
}

}  // namespace
}  // namespace s3link::test_support
