#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <exception>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "adapters/system/queued_logger.hpp"
#include "adapters/system/signal_watcher.hpp"
#include "adapters/system/system_clock.hpp"
#include "adapters/system/system_random.hpp"

namespace s3link::system {
namespace {

using namespace std::chrono_literals;

// Runs the sleep; cancels it after `cancel_after` where given. Returns how long it took.
std::chrono::milliseconds slept(Instant when, std::optional<std::chrono::milliseconds> cancel_after) {
  SystemClock clock;
  asio::io_context context;
  asio::cancellation_signal cancel;
  asio::steady_timer timer(context);
  std::exception_ptr failure;
  asio::co_spawn(context, clock.sleep_until(when),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr thrown) {
                   failure = thrown;
                   timer.cancel();
                 }));
  if (cancel_after) {
    timer.expires_after(*cancel_after);
    timer.async_wait([&](const boost::system::error_code& error) {
      if (!error) cancel.emit(asio::cancellation_type::terminal);
    });
  }
  const auto start = std::chrono::steady_clock::now();
  context.run();
  EXPECT_FALSE(failure);
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
}

TEST(SystemClock, SleepsUntilTheInstantAndNotLess) {
  const SystemClock clock;
  const Instant when = clock.now() + 60ms;
  slept(when, {});
  EXPECT_GE(clock.now(), when);
}

TEST(SystemClock, AnInstantThatHasPassedReturnsAtOnce) { EXPECT_LT(slept(SystemClock().now() - 1h, {}), 1s); }

TEST(SystemClock, CancellationEndsTheSleepWithoutError) { EXPECT_LT(slept(SystemClock().now() + 1h, 20ms), 10s); }

TEST(SystemRandom, TwoFillsDiffer) {
  SystemRandom random;
  std::array<std::byte, 32> first{};
  std::array<std::byte, 32> second{};
  random.fill(first);
  random.fill(second);
  EXPECT_NE(first, second);
  random.fill({});
}

TEST(SystemRandom, NoPieceIsHandedOutTwice) {
  SystemRandom random;
  std::set<std::string> seen;
  for (std::size_t round = 0; round < 3000; ++round) {
    std::string bytes(8 + round % 80, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    EXPECT_TRUE(seen.insert(bytes.substr(0, 8)).second);
  }
  std::vector<std::jthread> threads;
  std::mutex mutex;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int round = 0; round < 500; ++round) {
        const std::uint64_t value = random.next_u64();
        const std::scoped_lock lock(mutex);
        EXPECT_TRUE(seen.insert(std::string(reinterpret_cast<const char*>(&value), sizeof value)).second);
      }
    });
  }
}

TEST(SignalWatcher, SignalsComeInOrderAndInterruptWakes) {
  SignalWatcher watcher;
  std::raise(SIGHUP);
  EXPECT_EQ(watcher.wait(), SignalWatcher::Event::reload);
  std::raise(SIGTERM);
  EXPECT_EQ(watcher.wait(), SignalWatcher::Event::stop);
  std::jthread other([&] { watcher.interrupt(); });
  EXPECT_EQ(watcher.wait(), SignalWatcher::Event::interrupted);
}

TEST(SignalWatcher, AReloadBeforeItIsThereWaitsForItAndOneAfterItEndsNothing) {
  SignalWatcher::hold_reloads();
  ::kill(::getpid(), SIGHUP);
  {
    SignalWatcher watcher;
    EXPECT_EQ(watcher.wait(), SignalWatcher::Event::reload);
  }
  ::kill(::getpid(), SIGHUP);
}

TEST(QueuedLogger, TheLevelCanBeChanged) {
  testing::internal::CaptureStderr();
  {
    QueuedLogger logger(ports::LogLevel::info, LogFormat::json);
    EXPECT_FALSE(logger.writes(ports::LogLevel::debug));
    logger.log(ports::LogLevel::debug, "before", {});
    logger.set_level(ports::LogLevel::debug);
    EXPECT_TRUE(logger.writes(ports::LogLevel::debug));
    logger.log(ports::LogLevel::debug, "between", {});
    logger.set_level(ports::LogLevel::error);
    logger.log(ports::LogLevel::warning, "after", {});
  }
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, testing::HasSubstr("\"between\""));
  EXPECT_THAT(written, testing::Not(testing::HasSubstr("\"before\"")));
  EXPECT_THAT(written, testing::Not(testing::HasSubstr("\"after\"")));
}

TEST(QueuedLogger, LeavesOutWhatIsBelowItsLevel) {
  testing::internal::CaptureStderr();
  {
    QueuedLogger logger(ports::LogLevel::warning, LogFormat::json);
    logger.log(ports::LogLevel::info, "quiet", {});
    logger.log(ports::LogLevel::error, "loud {}", {{"k", "v"}});
  }
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_EQ(written.find("quiet"), std::string::npos);
  EXPECT_NE(written.find(R"("level":"error","message":"loud {}","k":"v"})"
                         "\n"),
            std::string::npos);
}

}  // namespace
}  // namespace s3link::system
