#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <mutex>
#include <vector>

#include "ports/clock.hpp"

namespace s3link::test_support {

/// Time that stands still until it is moved: by set() and advance(), which wake the sleepers whose time has come, or,
/// with skip_sleep, by whoever sleeps (time jumps to the end of the sleep). step() sets the wall clock alone, as
/// somebody at the machine would. Thread-safe.
class FakeClock final : public ports::Clock {
 public:
  /// 2026-01-02T03:04:05Z unless told.
  explicit FakeClock(Instant start = Instant(std::chrono::sys_days(std::chrono::January / 2 / 2026) +
                                             std::chrono::hours(3) + std::chrono::minutes(4) + std::chrono::seconds(5)))
      : now_(start) {}

  Instant now() const override;
  std::chrono::steady_clock::time_point steady_now() const override {
    const std::scoped_lock lock(mutex_);
    return std::chrono::steady_clock::time_point((now_ - stepped_).time_since_epoch());
  }
  Awaitable<void> sleep_until(Instant when) override;

  void set(Instant now);
  void advance(std::chrono::milliseconds by) { set(now() + by); }
  /// Set ahead, or back where negative: steady_now() stays.
  void step(std::chrono::milliseconds by);
  void skip_sleep(bool skip = true);
  /// The ends of all sleeps begun so far, in order.
  std::vector<Instant> sleeps() const;
  /// How many sleep at this moment.
  std::size_t sleepers() const;

 private:
  struct Sleeper {
    Instant until;
    Instant latest;  ///< the same by the steady clock
    std::shared_ptr<asio::steady_timer> timer;
  };
  mutable std::mutex mutex_;
  void wake_due();  ///< with mutex_ held
  Instant now_;
  std::chrono::milliseconds stepped_{0};  ///< by which now() is ahead of the steady clock
  bool skip_sleep_ = false;
  std::vector<Instant> sleeps_;
  std::vector<Sleeper> sleepers_;
};

}  // namespace s3link::test_support
