#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/alarm/notification.hpp"
#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/delivery/alarm_rule.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What the alarms look at.
struct AlarmMeasure {
  std::uint64_t dead_letters = 0;
  std::optional<Instant> oldest_event;  ///< when the oldest event in the outbox was made; empty: none waits
  /// When the first object of a dead letter goes, of those that were there at `now`.
  std::optional<Instant> first_removal = {};
};

/// A notification that one subscriber has yet to be told.
struct PendingNotification {
  alarm::Notification notification;
  unsigned attempts = 0;  ///< failed ones so far
  Instant due;
};

/// How telling one subscriber has gone so far.
struct SubscriberRecord {
  std::string name;
  std::uint64_t told = 0, failed_attempts = 0, given_up = 0, pending = 0;
  std::optional<Instant> last_told, last_failure;
  std::string last_reason;  ///< of the last failure
  bool operator==(const SubscriberRecord&) const = default;
};

/// What the alarms need to know, and their memory: states, and for each subscriber what it has yet to be told.
/// Durability: on return the change is committed and synced. Thread safety: any number of calls at a time.
class AlarmStore {
 public:
  /// A subscriber that cannot be told has at most so many notifications waiting; then the oldest is given up.
  static constexpr std::size_t kMostPending = 100;

  virtual ~AlarmStore() = default;

  /// Called after each commit that changed the dead-letter queue, from an unspecified thread; must return at once.
  /// Set while no write is under way; an empty function removes it.
  virtual void on_dead_letters_changed(std::function<void()> wake) = 0;

  virtual Awaitable<Result<AlarmMeasure>> measure(Instant now) = 0;
  /// Why what that alarm counts has failed. For oldest_event: of the 1,000 oldest events that wait. For
  /// relay_login, clock and storage: nothing, these say it themselves.
  virtual Awaitable<Result<std::vector<alarm::FrequentReason>>> frequent_reasons(alarm::AlarmName alarm,
                                                                                 std::size_t max) = 0;

  /// As it was saved last; a fresh one when it never was.
  virtual Awaitable<Result<delivery::AlarmMemory>> load(alarm::AlarmName alarm) = 0;
  virtual Awaitable<Status> save(alarm::AlarmName alarm, delivery::AlarmMemory memory) = 0;
  /// Saves, and has `notification` wait, due at once, for each of these subscribers: in one transaction, so that what
  /// is remembered as told will be told. The notification's id is given here.
  virtual Awaitable<Status> save_and_notify(alarm::AlarmName alarm, delivery::AlarmMemory memory,
                                            alarm::Notification notification, std::vector<std::string> subscribers) = 0;

  /// Forgets all other subscribers and what waits for them: they are not configured any more. Returns which of `names`
  /// were never notified of anything.
  virtual Awaitable<Result<std::vector<std::string>>> keep_subscribers(std::vector<std::string> names) = 0;
  /// The oldest that waits for this subscriber, due or not. Notifications are told in their order.
  virtual Awaitable<Result<std::optional<PendingNotification>>> next_for(std::string subscriber) = 0;
  /// These three: not_found when it does not wait for that subscriber.
  virtual Awaitable<Status> mark_told(std::string subscriber, std::int64_t id, Instant when) = 0;
  virtual Awaitable<Status> reschedule(std::string subscriber, std::int64_t id, Instant failed_at, Instant due,
                                       std::string reason) = 0;
  virtual Awaitable<Status> give_up(std::string subscriber, std::int64_t id, Instant when, std::string reason) = 0;

  /// Those that were ever notified, by name.
  virtual Awaitable<Result<std::vector<SubscriberRecord>>> subscribers() = 0;
};

}  // namespace s3link::ports
