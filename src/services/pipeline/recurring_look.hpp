#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"

namespace s3link::pipeline {

class WakeSignal;

/// The loop of a part that looks at the store, does what is due, and waits: until the next look is due, until it is
/// woken, or, after a look that failed (or threw), for 1 s, 2 s, … 60 s, which a waking shortens.
/// Thread safety: run() stays on its executor, one thread or a strand; the rest may be called from any thread.
class RecurringLook {
 public:
  /// Returns when the next look is due; empty: only when woken. It is called again and again, never twice at a time.
  using Look = std::function<Awaitable<Result<std::optional<Instant>>>()>;

  /// `failed`, with `about`: what the log says of a look that failed. The references must outlive it.
  RecurringLook(std::string failed, std::vector<ports::LogField> about, ports::Clock& clock, ports::Logger& logger);
  RecurringLook(const RecurringLook&) = delete;
  RecurringLook& operator=(const RecurringLook&) = delete;
  ~RecurringLook();

  /// Looks at once and until stop(); call once, and do not cancel it.
  Awaitable<void> run(Look look);
  /// A look that runs is not broken off: it asks stopping().
  void stop();
  bool stopping() const noexcept { return stopping_; }
  /// Something may be due sooner than was known.
  void wake();
  /// What wake() does, for others to keep: it may be called when this is gone.
  std::function<void()> waker() const;
  /// For a look that waits for something itself: until woken, stopped, or `when`.
  Awaitable<void> wait_until(std::chrono::steady_clock::time_point when);

 private:
  const std::string failed_;
  const std::vector<ports::LogField> about_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  std::shared_ptr<WakeSignal> wake_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace s3link::pipeline
