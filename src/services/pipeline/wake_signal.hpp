#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "core/base/instant.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"

namespace s3link::pipeline {

/// Wakes a loop that sleeps. A signal that comes while nobody waits is kept, once.
/// Thread safety: notify() from any thread; the rest on the executor given to open(), one thread or a strand.
class WakeSignal : public std::enable_shared_from_this<WakeSignal> {
 public:
  /// From here on notify() reaches that executor; until close(), after which it reaches nobody.
  void open(const asio::any_io_executor& executor);
  void close();

  void notify();
  /// Returns when notified, or at `when` by the clock; without `when`: only when notified. One waiter at a time.
  Awaitable<void> wait_until(ports::Clock& clock, std::optional<Instant> when);
  /// The same by the clock that is never set: for what lasts some time, rather than until a time of day. May return
  /// early where the other clock was set ahead.
  Awaitable<void> wait_until(ports::Clock& clock, std::chrono::steady_clock::time_point when);

 private:
  Awaitable<void> wait();
  bool take();

  std::mutex mutex_;
  bool notified_ = false;
  std::optional<asio::steady_timer> timer_;  ///< never expires; cancelled to wake
};

}  // namespace s3link::pipeline
