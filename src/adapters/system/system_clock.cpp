#include "adapters/system/system_clock.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace s3link::system {

namespace {
// A steady timer does not notice that the wall clock was set, so a long wait looks at it again this often.
constexpr std::chrono::milliseconds kLongestNap = std::chrono::seconds(30);
}  // namespace

Instant SystemClock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

Awaitable<void> SystemClock::sleep_until(Instant when) {
  const auto state = co_await asio::this_coro::cancellation_state;
  if (state.cancelled() != asio::cancellation_type::none) co_return;
  asio::steady_timer timer(co_await asio::this_coro::executor);
  // Set back by a year, the clock must not make a loop that looks each minute sleep for a year.
  const auto latest = steady_now() + (when - now());
  for (Instant current = now(); current < when && steady_now() < latest; current = now()) {
    timer.expires_after(std::min<std::chrono::milliseconds>(when - current, kLongestNap));
    const auto [error] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error) co_return;
  }
}

}  // namespace s3link::system
