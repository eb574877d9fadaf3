#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>

#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/dead_letter_queue.hpp"
#include "ports/logger.hpp"
#include "services/pipeline/recurring_look.hpp"

namespace s3link::pipeline {

/// Drops dead letters that nobody has looked after for 14 days, by the rule "retention", each with a line in the log,
/// and one with their number. Thread safety: run() stays on its executor, one thread or a strand; stop() may be called
/// from any thread. Its ports must outlive run().
class DeadLetterRetention {
 public:
  /// Since the last failure.
  static constexpr std::chrono::days kKept{14};

  /// `time`: by which their age is counted, never after the clock's; empty: the clock's.
  DeadLetterRetention(ports::DeadLetterQueue& queue, ports::Clock& clock, ports::Logger& logger,
                      std::function<Instant()> time = {});
  DeadLetterRetention(const DeadLetterRetention&) = delete;
  DeadLetterRetention& operator=(const DeadLetterRetention&) = delete;
  ~DeadLetterRetention();

  /// Looks at the start and then every hour until stop(); call once, and do not cancel it. An error of the queue is
  /// logged, and the look repeated (RecurringLook).
  Awaitable<void> run();
  void stop();
  /// How many it dropped since the start. From any thread.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  /// Returns when to look again.
  Awaitable<Result<std::optional<Instant>>> remove_old();

  ports::DeadLetterQueue& queue_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  const std::function<Instant()> time_;
  RecurringLook loop_;
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace s3link::pipeline
