#pragma once

#include "ports/clock.hpp"

namespace s3link::system {

/// The machine's UTC clock. A wait follows the clock when it is set: a step is noticed within 30 s.
/// Thread-safe. sleep_until waits on the calling coroutine's executor.
class SystemClock final : public ports::Clock {
 public:
  Instant now() const override;
  std::chrono::steady_clock::time_point steady_now() const override { return std::chrono::steady_clock::now(); }
  Awaitable<void> sleep_until(Instant when) override;
};

}  // namespace s3link::system
