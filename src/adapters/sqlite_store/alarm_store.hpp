#pragma once

#include <functional>
#include <mutex>

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/alarm_store.hpp"

namespace s3link::sqlite_store {

/// An alarm as it was saved last, and the subscribers that were ever notified: rows, for a transaction that is under
/// way.
delivery::AlarmMemory read_alarm_memory(Connection& db, alarm::AlarmName alarm);
std::vector<ports::SubscriberRecord> read_subscribers(Connection& db);

/// ports::AlarmStore over the tables `dead_letters` and `outbox`, which it reads, and `alarms`, `alarm_notifications`,
/// `alarm_pending` and `alarm_subscribers`, which are its own.
class SqliteAlarmStore final : public ports::AlarmStore {
 public:
  explicit SqliteAlarmStore(StoreContext& context) : context_(context) {}

  void on_dead_letters_changed(std::function<void()> wake) override;
  Awaitable<Result<ports::AlarmMeasure>> measure(Instant now) override;
  Awaitable<Result<std::vector<alarm::FrequentReason>>> frequent_reasons(alarm::AlarmName alarm,
                                                                         std::size_t max) override;
  Awaitable<Result<delivery::AlarmMemory>> load(alarm::AlarmName alarm) override;
  Awaitable<Status> save(alarm::AlarmName alarm, delivery::AlarmMemory memory) override;
  Awaitable<Status> save_and_notify(alarm::AlarmName alarm, delivery::AlarmMemory memory,
                                    alarm::Notification notification, std::vector<std::string> subscribers) override;
  Awaitable<Result<std::vector<std::string>>> keep_subscribers(std::vector<std::string> names) override;
  Awaitable<Result<std::optional<ports::PendingNotification>>> next_for(std::string subscriber) override;
  Awaitable<Status> mark_told(std::string subscriber, std::int64_t id, Instant when) override;
  Awaitable<Status> reschedule(std::string subscriber, std::int64_t id, Instant failed_at, Instant due,
                               std::string reason) override;
  Awaitable<Status> give_up(std::string subscriber, std::int64_t id, Instant when, std::string reason) override;
  Awaitable<Result<std::vector<ports::SubscriberRecord>>> subscribers() override;

  /// From the writer's thread after a commit that changed `dead_letters`.
  void wake();

 private:
  StoreContext& context_;
  std::mutex mutex_;
  std::function<void()> wake_;
};

}  // namespace s3link::sqlite_store
