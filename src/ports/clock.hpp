#pragma once

#include <chrono>

#include "core/base/instant.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// The only source of time for the services. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual Instant now() const = 0;
  /// For measuring how long something took: never set back, of no meaning but in differences.
  virtual std::chrono::steady_clock::time_point steady_now() const = 0;
  /// Returns at `when` or soon after; at once if it has passed. Should the clock be set back meanwhile: when as much
  /// time has passed as was left until `when` at the call. Ends early, without error, when cancelled (asio cancellation
  /// of the calling coroutine).
  virtual Awaitable<void> sleep_until(Instant when) = 0;
};

}  // namespace s3link::ports
