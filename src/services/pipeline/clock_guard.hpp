#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/delivery/clock_watch.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/clock_store.hpp"
#include "ports/logger.hpp"
#include "services/pipeline/recurring_look.hpp"

namespace s3link::pipeline {

struct ClockGuardSettings {
  std::function<delivery::ClockReading()> read;  ///< the machine's clocks; from any thread
  /// Whether an operator has said, since the last call, that the time of day is right.
  std::function<Result<bool>()> take_confirmation;
  std::string how_to_confirm;                                  ///< a command
  std::chrono::milliseconds period = std::chrono::seconds(5);  ///< between two looks, if nobody asks
  /// Between two records in the store: so much of what was seen last, a run that is killed does not pass on.
  std::chrono::milliseconds record_period = std::chrono::minutes(10);
};

struct ClockReport {
  delivery::ClockStatus status;
  std::string trouble;  ///< what is wrong, and what an operator can do; empty: nothing
};

/// Asks delivery::ClockWatch whether the machine's clock can be right, for those who would do what cannot be undone:
/// send mails whose links are dead, remove what is not due. Logs when something begins to wait for it, and when it
/// ends. Thread safety: begin() and run() stay on one executor, one thread or a strand; the rest may be called from any
/// thread.
class ClockGuard {
 public:
  /// All must outlive it.
  ClockGuard(ClockGuardSettings settings, ports::ClockStore& store, ports::Clock& clock, ports::Logger& logger);
  ClockGuard(const ClockGuard&) = delete;
  ClockGuard& operator=(const ClockGuard&) = delete;
  ~ClockGuard();

  /// Reads what the last run knew, and looks. Before everything else; one that cannot be read is logged, and the clock
  /// believed.
  Awaitable<void> begin();
  /// Looks, takes confirmations and keeps the record until stop(); call once, and do not cancel it.
  Awaitable<void> run();
  void stop();

  /// Of this moment.
  delivery::ClockStatus status();
  ClockReport report();
  /// To be called when something begins or ends to wait, from any thread; it must return at once. Added before run().
  void on_change(std::function<void()> changed);

 private:
  /// Returns when to look again.
  Awaitable<Result<std::optional<Instant>>> tend();
  delivery::ClockStatus look();
  std::string in_words(const delivery::ClockStatus& status) const;
  void note_change(const delivery::ClockStatus& before, const delivery::ClockStatus& now);

  const ClockGuardSettings settings_;
  ports::ClockStore& store_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  RecurringLook loop_;
  std::vector<std::function<void()>> changed_;
  std::mutex mutex_;
  delivery::ClockWatch watch_;    // guarded by mutex_
  delivery::ClockStatus status_;  // guarded by mutex_
  bool to_record_ = true;         // guarded by mutex_; sooner than the period says
  std::chrono::steady_clock::time_point recorded_{};
};

}  // namespace s3link::pipeline
