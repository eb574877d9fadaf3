#include "adapters/smtp/worker_pool.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <latch>
#include <set>

#include "support/run_sync.hpp"

namespace s3link::smtp {
namespace {

using namespace std::chrono_literals;
using test_support::run_sync;

struct Counter {
  explicit Counter(std::atomic<int>& alive) : alive_(alive) { ++alive_; }
  ~Counter() { --alive_; }
  bool ready() const { return connected; }
  std::atomic<int>& alive_;
  int used = 0;
  bool connected = false;
};
using Pool = WorkerPool<Counter, int>;

class WorkerPoolTest : public testing::Test {
 protected:
  std::function<std::unique_ptr<Counter>()> maker() {
    return [this] { return std::make_unique<Counter>(alive_); };
  }
  void spawn(Awaitable<Result<int>> work, Result<int>& out) {
    asio::co_spawn(io_, std::move(work), [&out](std::exception_ptr failure, Result<int> result) {
      EXPECT_FALSE(failure);
      out = std::move(result);
    });
  }
  std::atomic<int> alive_ = 0;
  asio::io_context io_;
};

TEST_F(WorkerPoolTest, RunsElsewhereAndResumesHere) {
  Pool pool(2, 10s, maker());
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  const auto got = run_sync(pool.run([&](Counter&, const std::atomic<bool>&) -> Result<int> {
    there = std::this_thread::get_id();
    return 7;
  }));
  EXPECT_EQ(got, Result<int>(7));
  EXPECT_NE(there, here);
}

TEST_F(WorkerPoolTest, MakesNoThreadBeforeItIsNeededAndReusesIt) {
  Pool pool(4, 10s, maker());
  EXPECT_EQ(pool.threads(), 0U);
  for (int i = 1; i <= 5; ++i) {
    EXPECT_EQ(run_sync(pool.run([](Counter& state, const std::atomic<bool>&) -> Result<int> { return ++state.used; })),
              Result<int>(i));
  }
  EXPECT_EQ(pool.threads(), 1U);
  EXPECT_EQ(alive_, 1);
}

TEST_F(WorkerPoolTest, KeepsToItsLimit) {
  Pool pool(3, 10s, maker());
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  std::vector<Result<int>> results(20, fail(ErrorKind::internal, "not run"));
  for (auto& result : results) {
    spawn(pool.run([&](Counter&, const std::atomic<bool>&) -> Result<int> {
      const int now = ++at_once;
      int seen = most;
      while (now > seen && !most.compare_exchange_weak(seen, now)) {
      }
      std::this_thread::sleep_for(5ms);
      --at_once;
      return 1;
    }),
          result);
  }
  io_.run();
  for (const auto& result : results) EXPECT_TRUE(result);
  EXPECT_EQ(most, 3);
  EXPECT_EQ(pool.threads(), 3U);
}

TEST_F(WorkerPoolTest, AStateThatIsReadyIsUsedBeforeOthers) {
  Pool pool(8, 10s, maker());
  std::latch all_at_once(8);
  std::atomic<int> next = 0;
  std::vector<Result<int>> results(8, fail(ErrorKind::internal, "not run"));
  for (auto& result : results) {
    spawn(pool.run([&](Counter& state, const std::atomic<bool>&) -> Result<int> {
      state.connected = ++next <= 3;  // as a relay that lets in three
      all_at_once.arrive_and_wait();
      return 1;
    }),
          result);
  }
  io_.run();
  ASSERT_EQ(alive_, 8);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(run_sync(pool.run(
                  [](Counter& state, const std::atomic<bool>&) -> Result<int> { return state.connected ? 1 : 0; })),
              Result<int>(1));
  }
}

TEST_F(WorkerPoolTest, WhatIsNotNeededFallsIdle) {
  Pool pool(4, 10s, maker());
  std::latch all_at_once(4);
  std::vector<Result<int>> results(4, fail(ErrorKind::internal, "not run"));
  for (auto& result : results) {
    spawn(pool.run([&](Counter&, const std::atomic<bool>&) -> Result<int> {
      all_at_once.arrive_and_wait();
      return 1;
    }),
          result);
  }
  io_.run();
  std::set<const Counter*> used;
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(run_sync(pool.run([&](Counter& state, const std::atomic<bool>&) -> Result<int> {
      used.insert(&state);
      return 1;
    })));
  }
  EXPECT_EQ(used.size(), 1U) << "the others could end";
}

TEST_F(WorkerPoolTest, ThreadsEndWhenThereIsNothingToDo) {
  Pool pool(2, 20ms, maker());
  const auto work = [](Counter&, const std::atomic<bool>&) -> Result<int> { return 1; };
  ASSERT_TRUE(run_sync(pool.run(work)));
  for (int i = 0; i < 500 && pool.threads() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(pool.threads(), 0U);
  EXPECT_EQ(alive_, 0);
  EXPECT_TRUE(run_sync(pool.run(work))) << "and come back";
}

TEST_F(WorkerPoolTest, ExceptionsBecomeErrors) {
  Pool pool(1, 10s, maker());
  const auto got =
      run_sync(pool.run([](Counter&, const std::atomic<bool>&) -> Result<int> { throw std::runtime_error("a bug"); }));
  EXPECT_EQ(got.error(), (Error{ErrorKind::internal, "a bug", ""}));
  Pool broken(1, 10s, []() -> std::unique_ptr<Counter> { throw std::runtime_error("no state"); });
  const auto none = run_sync(broken.run([](Counter&, const std::atomic<bool>&) -> Result<int> { return 1; }));
  EXPECT_EQ(none.error().message, "no state");
}

Result<int> until_cancelled(Counter&, const std::atomic<bool>& cancelled) {
  while (!cancelled) std::this_thread::sleep_for(1ms);
  return fail(ErrorKind::transient, "cancelled");
}

TEST_F(WorkerPoolTest, CancellingTheCoroutineCancelsTheWork) {
  Pool pool(1, 10s, maker());
  asio::cancellation_signal cancel;
  Result<int> got = 0;
  asio::co_spawn(io_, pool.run(until_cancelled),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failure, Result<int> result) {
                   EXPECT_FALSE(failure);
                   got = std::move(result);
                 }));
  asio::steady_timer soon(io_, 20ms);
  soon.async_wait([&](auto) { cancel.emit(asio::cancellation_type::terminal); });
  io_.run();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "cancelled");
}

TEST_F(WorkerPoolTest, DestructionCancelsWhatRunsAndWhatWaits) {
  Result<int> first = 0;
  Result<int> second = 0;
  {
    Pool pool(1, 10s, maker());
    spawn(pool.run(until_cancelled), first);
    spawn(pool.run(until_cancelled), second);
    io_.poll();
  }
  io_.run();
  EXPECT_FALSE(first);
  EXPECT_FALSE(second);
  EXPECT_EQ(alive_, 0);
}

}  // namespace
}  // namespace s3link::smtp
