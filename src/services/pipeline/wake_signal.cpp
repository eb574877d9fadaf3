#include "services/pipeline/wake_signal.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

namespace s3link::pipeline {

void WakeSignal::open(const asio::any_io_executor& executor) {
  const std::scoped_lock lock(mutex_);
  timer_.emplace(executor, asio::steady_timer::time_point::max());
}

void WakeSignal::close() {
  const std::scoped_lock lock(mutex_);
  timer_.reset();
}

void WakeSignal::notify() {
  const std::scoped_lock lock(mutex_);
  notified_ = true;
  if (!timer_) return;
  asio::post(timer_->get_executor(), [self = shared_from_this()] {
    const std::scoped_lock inner(self->mutex_);
    if (self->timer_) self->timer_->cancel();
  });
}

bool WakeSignal::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(notified_, false);
}

Awaitable<void> WakeSignal::wait() {
  // The timer is cancelled on this executor only, so a signal cannot slip in between the look and the wait.
  co_await asio::this_coro::throw_if_cancelled(false);
  while (!take()) {
    co_await timer_->async_wait(asio::as_tuple(asio::use_awaitable));
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
  }
}

Awaitable<void> WakeSignal::wait_until(ports::Clock& clock, std::optional<Instant> when) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
  if (when) {
    co_await (clock.sleep_until(*when) || wait());
  } else {
    co_await wait();
  }
}

Awaitable<void> WakeSignal::wait_until(ports::Clock& clock, std::chrono::steady_clock::time_point when) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - clock.steady_now());
  co_await wait_until(clock, clock.now() + left);
}

}  // namespace s3link::pipeline
