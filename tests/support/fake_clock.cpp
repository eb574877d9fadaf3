#include "support/fake_clock.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace s3link::test_support {

Instant FakeClock::now() const {
  const std::scoped_lock lock(mutex_);
  return now_;
}

Awaitable<void> FakeClock::sleep_until(Instant when) {
  const auto executor = co_await asio::this_coro::executor;
  co_await asio::this_coro::throw_if_cancelled(false);
  auto timer = std::make_shared<asio::steady_timer>(executor, asio::steady_timer::time_point::max());
  bool skipped = false;
  {
    const std::scoped_lock lock(mutex_);
    sleeps_.push_back(when);
    if (skip_sleep_ || when <= now_) {
      now_ = std::max(now_, when);
      skipped = true;
    } else {
      sleepers_.push_back({when, when - stepped_, timer});
    }
  }
  if (skipped) {
    co_await asio::post(executor, asio::use_awaitable);
  } else {
    // Whoever ends the wait, set() or a cancellation, the timer says operation_aborted: both end the sleep.
    co_await timer->async_wait(asio::as_tuple(asio::use_awaitable));
    const std::scoped_lock lock(mutex_);
    std::erase_if(sleepers_, [&](const Sleeper& sleeper) { return sleeper.timer == timer; });
  }
  co_await asio::this_coro::throw_if_cancelled(true);
}

void FakeClock::set(Instant now) {
  const std::scoped_lock lock(mutex_);
  now_ = now;
  wake_due();
}

void FakeClock::step(std::chrono::milliseconds by) {
  const std::scoped_lock lock(mutex_);
  now_ += by;
  stepped_ += by;
  wake_due();
}

void FakeClock::wake_due() {
  const auto due = [this](const Sleeper& sleeper) {
    return sleeper.until <= now_ || sleeper.latest <= now_ - stepped_;
  };
  for (const Sleeper& sleeper : sleepers_) {
    if (!due(sleeper)) continue;
    asio::post(sleeper.timer->get_executor(), [timer = sleeper.timer] { timer->cancel(); });
  }
  std::erase_if(sleepers_, due);
}

void FakeClock::skip_sleep(bool skip) {
  const std::scoped_lock lock(mutex_);
  skip_sleep_ = skip;
}

std::vector<Instant> FakeClock::sleeps() const {
  const std::scoped_lock lock(mutex_);
  return sleeps_;
}

std::size_t FakeClock::sleepers() const {
  const std::scoped_lock lock(mutex_);
  return sleepers_.size();
}

}  // namespace s3link::test_support
