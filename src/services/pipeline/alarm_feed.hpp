#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/delivery/retry_policy.hpp"
#include "ports/alarm_store.hpp"
#include "ports/alarm_subscriber.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/random.hpp"
#include "services/pipeline/recurring_look.hpp"

namespace s3link::pipeline {

struct AlarmFeedSettings {
  /// Between attempts; how many there are, give_up_after decides.
  delivery::RetryPolicy retry{
      .max_attempts = 0, .first_retry = std::chrono::seconds(1), .max_retry = std::chrono::minutes(30)};
  std::chrono::milliseconds give_up_after = std::chrono::hours(24);  ///< from the making of a notification
  std::chrono::milliseconds deadline = std::chrono::seconds(90);     ///< of one attempt
  std::chrono::milliseconds stop_grace = std::chrono::seconds(5);    ///< what a running attempt gets after stop()
};

/// Tells one subscriber of the alarm topic what waits for it in the store, in order, each until it was told, refused
/// for good, or too old. What became of an attempt is kept until the store has taken it, so that a store that takes
/// nothing makes nobody hear the same twice. Knows nothing of the other subscribers, so none holds up another. Thread
/// safety: run() stays on its executor, one thread or a strand; stop() and wake() may be called from any thread. Its
/// ports must outlive run().
class AlarmFeed {
 public:
  AlarmFeed(AlarmFeedSettings settings, ports::AlarmSubscriber& subscriber, ports::AlarmStore& store,
            ports::Clock& clock, ports::Random& random, ports::Logger& logger);
  AlarmFeed(const AlarmFeed&) = delete;
  AlarmFeed& operator=(const AlarmFeed&) = delete;
  ~AlarmFeed();

  std::string_view name() const noexcept { return subscriber_.name(); }
  /// Until stop(); call once, and do not cancel it.
  Awaitable<void> run();
  /// An attempt that is broken off by it is made again after the next start.
  void stop();
  /// Something new waits.
  void wake();
  /// Tells what the store could not take, from memory: a restart forgets it. On run()'s executor. At most
  /// AlarmStore::kMostPending wait; what comes then is dropped.
  void tell_unstored(alarm::Notification notification);

 private:
  /// What is to be done after an attempt.
  struct Outcome {
    enum class Kind { told, try_again, give_up };
    Kind kind = Kind::told;
    Instant when;
    Instant due = {};         ///< of the next attempt
    std::string reason = {};  ///< of the failure
  };

  /// Tells what is due. Returns when to look again (empty: when woken), or an error of the store.
  Awaitable<Result<std::optional<Instant>>> tell_due();
  Awaitable<std::optional<Instant>> tell_due_unstored();
  Awaitable<Result<std::optional<Instant>>> tell_due_stored();
  /// Whether the attempt is to wait: until when.
  std::optional<Instant> wait_of(const ports::PendingNotification& pending) const;
  /// One attempt, within the deadline.
  Awaitable<Status> attempt(alarm::Notification notification);
  /// Until the deadline of an attempt that begins now, or until it must end because of stop().
  Awaitable<void> wait_for_end();
  /// Decides, and logs.
  Outcome settle(const ports::PendingNotification& pending, Status outcome);
  Awaitable<Status> record(std::int64_t id, Outcome outcome);

  AlarmFeedSettings settings_;
  ports::AlarmSubscriber& subscriber_;
  ports::AlarmStore& store_;
  ports::Clock& clock_;
  ports::Random& random_;
  ports::Logger& logger_;
  RecurringLook loop_;
  std::deque<ports::PendingNotification> unstored_;
  /// Of the notification with that id, which the store has not taken yet.
  std::optional<std::pair<std::int64_t, Outcome>> unrecorded_;
};

}  // namespace s3link::pipeline
