#include "adapters/sqlite_store/alarm_store.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "adapters/sqlite_store/counters.hpp"

namespace s3link::sqlite_store {
namespace {

namespace json = boost::json;
using alarm::AlarmName;
using alarm::FrequentReason;
using alarm::Notification;
using delivery::AlarmMemory;

std::string reasons_json(const std::vector<FrequentReason>& reasons) {
  json::array out;
  for (const FrequentReason& reason : reasons) out.push_back({reason.text, reason.count});
  return json::serialize(out);
}

std::vector<FrequentReason> parse_reasons(std::string_view text) {
  std::vector<FrequentReason> out;
  boost::system::error_code failure;
  const json::value parsed = json::parse(text, failure);
  if (failure || !parsed.is_array()) return out;
  for (const json::value& entry : parsed.get_array()) {
    const auto* const pair = entry.if_array();
    if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_string()) continue;
    const auto count = (*pair)[1].to_number<std::uint64_t>(failure);
    if (!failure) out.push_back({std::string((*pair)[0].get_string()), count});
  }
  return out;
}

AlarmMemory read_memory(const Query& row) {
  return {.state = delivery::parse_alarm_state(row.bytes(0)).value_or(delivery::AlarmState::ok),
          .since = row.maybe_instant(1),
          .told = delivery::parse_alarm_state(row.bytes(2)).value_or(delivery::AlarmState::ok),
          .told_since = row.maybe_instant(3),
          .alarm_told = row.maybe_instant(4),
          .ok_told = row.maybe_instant(5),
          .changes = row.count(6)};
}

void write_memory(Connection& db, AlarmName alarm, const AlarmMemory& memory) {
  db.run(
      "INSERT OR REPLACE INTO alarms(name, state, since_ms, told, told_since_ms, alarm_told_ms, ok_told_ms, changes)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      to_string(alarm), to_string(memory.state), memory.since, to_string(memory.told), memory.told_since,
      memory.alarm_told, memory.ok_told, memory.changes);
}

std::optional<Instant> first_removal(Connection& db, Instant now) {
  Query row = db.query("SELECT min(removed_at_ms) FROM dead_letters WHERE removed_at_ms>?1", now);
  return row.next() ? row.maybe_instant(0) : std::nullopt;
}

Notification read_notification(const Query& row) {
  return {.id = row.integer(0),
          .alarm = alarm::parse_alarm_name(row.bytes(1)).value_or(AlarmName::dead_letters),
          .message = delivery::parse_alarm_message(row.bytes(2)).value_or(delivery::AlarmMessage::alarm),
          .made = row.instant(3),
          .since = row.instant(4),
          .alarm_since = row.maybe_instant(5),
          .value = row.count(6),
          .threshold = row.count(7),
          .changes = row.count(8),
          .reasons = parse_reasons(row.bytes(9)),
          .removal = row.maybe_instant(10)};
}

void write_notification(Connection& db, std::int64_t id, const Notification& notification) {
  db.run(
      "INSERT INTO alarm_notifications(id, alarm, message, made_ms, since_ms, alarm_since_ms, value, threshold,"
      " changes, reasons, removal_ms) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
      id, to_string(notification.alarm), to_string(notification.message), notification.made, notification.since,
      notification.alarm_since, notification.value, notification.threshold, notification.changes,
      reasons_json(notification.reasons), notification.removal);
}

/// Notifications that nobody has yet to be told.
void remove_told(Connection& db) {
  db.run("DELETE FROM alarm_notifications WHERE id NOT IN (SELECT notification FROM alarm_pending)");
}

void count_failure(Connection& db, const std::string& subscriber, Instant when, const std::string& reason,
                   bool given_up) {
  db.run(
      "UPDATE alarm_subscribers SET failed_attempts=failed_attempts+1, given_up=given_up+?2, last_failure_ms=?3,"
      " last_reason=?4 WHERE name=?1",
      subscriber, given_up, when, reason);
}

/// Not_found when it did not wait.
Status remove_pending(Connection& db, const std::string& subscriber, std::int64_t id) {
  if (db.run("DELETE FROM alarm_pending WHERE subscriber=?1 AND notification=?2", subscriber, id) == 0) {
    return fail(ErrorKind::not_found, "no such notification waits for this subscriber");
  }
  remove_told(db);
  return {};
}

void add_pending(Connection& db, const std::string& subscriber, std::int64_t id, Instant due) {
  db.run("INSERT OR IGNORE INTO alarm_subscribers(name) VALUES(?1)", subscriber);
  db.run("INSERT INTO alarm_pending(subscriber, notification, due_ms) VALUES(?1, ?2, ?3)", subscriber, id, due);
  const auto dropped = db.run(
      "DELETE FROM alarm_pending WHERE subscriber=?1 AND notification IN (SELECT notification FROM alarm_pending"
      " WHERE subscriber=?1 ORDER BY notification DESC LIMIT -1 OFFSET ?2)",
      subscriber, ports::AlarmStore::kMostPending);
  for (std::int64_t i = 0; i < dropped; ++i) count_failure(db, subscriber, due, "too many notifications wait", true);
}

}  // namespace

AlarmMemory read_alarm_memory(Connection& db, AlarmName alarm) {
  Query row = db.query(
      "SELECT state, since_ms, told, told_since_ms, alarm_told_ms, ok_told_ms, changes FROM alarms WHERE name=?1",
      to_string(alarm));
  return row.next() ? read_memory(row) : AlarmMemory();
}

std::vector<ports::SubscriberRecord> read_subscribers(Connection& db) {
  std::vector<ports::SubscriberRecord> out;
  Query rows = db.query(
      "SELECT name, told, failed_attempts, given_up, last_told_ms, last_failure_ms, last_reason,"
      " (SELECT count(*) FROM alarm_pending WHERE subscriber=name) FROM alarm_subscribers ORDER BY name");
  while (rows.next()) {
    out.push_back({.name = rows.text(0),
                   .told = rows.count(1),
                   .failed_attempts = rows.count(2),
                   .given_up = rows.count(3),
                   .pending = rows.count(7),
                   .last_told = rows.maybe_instant(4),
                   .last_failure = rows.maybe_instant(5),
                   .last_reason = rows.text(6)});
  }
  return out;
}

void SqliteAlarmStore::on_dead_letters_changed(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void SqliteAlarmStore::wake() {
  const std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

Awaitable<Result<ports::AlarmMeasure>> SqliteAlarmStore::measure(Instant now) {
  co_return context_.readers.read([now](Connection& db) -> Result<ports::AlarmMeasure> {
    return ports::AlarmMeasure{.dead_letters = count_dead_letters(db),
                               .oldest_event = oldest_event(db),
                               .first_removal = first_removal(db, now)};
  });
}

Awaitable<Result<std::vector<FrequentReason>>> SqliteAlarmStore::frequent_reasons(AlarmName alarm, std::size_t max) {
  co_return context_.readers.read([alarm, max](Connection& db) -> Result<std::vector<FrequentReason>> {
    alarm::FrequentReasons reasons;
    const bool in_store = alarm == AlarmName::dead_letters || alarm == AlarmName::oldest_event;
    if (!in_store) return reasons.top(max);
    Query rows = alarm == AlarmName::dead_letters
                     ? db.query("SELECT kind, message, count(*) FROM dead_letters GROUP BY kind, message")
                     : db.query("SELECT last_kind, last_message, 1 FROM outbox ORDER BY id LIMIT 1000");
    while (rows.next()) {
      if (!rows.null(0)) reasons.add(rows.bytes(0), rows.bytes(1), rows.count(2));
    }
    return reasons.top(max);
  });
}

Awaitable<Result<AlarmMemory>> SqliteAlarmStore::load(AlarmName alarm) {
  co_return context_.readers.read(
      [alarm](Connection& db) -> Result<AlarmMemory> { return read_alarm_memory(db, alarm); });
}

Awaitable<Status> SqliteAlarmStore::save(AlarmName alarm, AlarmMemory memory) {
  co_return co_await context_.queue.submit([alarm, memory](WriteTransaction& transaction) -> Status {
    write_memory(transaction.db(), alarm, memory);
    return {};
  });
}

Awaitable<Status> SqliteAlarmStore::save_and_notify(AlarmName alarm, AlarmMemory memory, Notification notification,
                                                    std::vector<std::string> subscribers) {
  co_return co_await context_.queue.submit(
      [alarm, memory, notification = std::move(notification),
       subscribers = std::move(subscribers)](WriteTransaction& transaction) -> Status {
        Connection& db = transaction.db();
        write_memory(db, alarm, memory);
        if (subscribers.empty()) return {};
        const auto id = static_cast<std::int64_t>(transaction.take_number());
        write_notification(db, id, notification);
        for (const std::string& subscriber : subscribers) add_pending(db, subscriber, id, notification.made);
        remove_told(db);
        return {};
      });
}

Awaitable<Result<std::vector<std::string>>> SqliteAlarmStore::keep_subscribers(std::vector<std::string> names) {
  std::vector<std::string> unheard = names;
  const Status kept = co_await context_.queue.submit([&](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    std::vector<std::string> gone;
    {
      Query rows = db.query("SELECT name FROM alarm_subscribers");
      while (rows.next()) {
        if (std::erase(unheard, rows.text(0)) == 0) gone.push_back(rows.text(0));
      }
    }
    for (const std::string& name : gone) {
      db.run("DELETE FROM alarm_pending WHERE subscriber=?1", name);
      db.run("DELETE FROM alarm_subscribers WHERE name=?1", name);
    }
    if (!gone.empty()) remove_told(db);
    return {};
  });
  if (!kept) co_return std::unexpected(kept.error());
  co_return unheard;
}

Awaitable<Result<std::optional<ports::PendingNotification>>> SqliteAlarmStore::next_for(std::string subscriber) {
  co_return context_.readers.read([&](Connection& db) -> Result<std::optional<ports::PendingNotification>> {
    Query row = db.query(
        "SELECT n.id, n.alarm, n.message, n.made_ms, n.since_ms, n.alarm_since_ms, n.value, n.threshold, n.changes,"
        " n.reasons, n.removal_ms, p.attempts, p.due_ms FROM alarm_pending p JOIN alarm_notifications n ON "
        "n.id=p.notification"
        " WHERE p.subscriber=?1 ORDER BY p.notification LIMIT 1",
        subscriber);
    if (!row.next()) return std::nullopt;
    return ports::PendingNotification{.notification = read_notification(row),
                                      .attempts = static_cast<unsigned>(row.integer(11)),
                                      .due = row.instant(12)};
  });
}

Awaitable<Status> SqliteAlarmStore::mark_told(std::string subscriber, std::int64_t id, Instant when) {
  co_return co_await context_.queue.submit(
      [subscriber = std::move(subscriber), id, when](WriteTransaction& transaction) -> Status {
        Connection& db = transaction.db();
        if (const Status removed = remove_pending(db, subscriber, id); !removed) return removed;
        db.run("UPDATE alarm_subscribers SET told=told+1, last_told_ms=?2 WHERE name=?1", subscriber, when);
        return {};
      });
}

Awaitable<Status> SqliteAlarmStore::reschedule(std::string subscriber, std::int64_t id, Instant failed_at, Instant due,
                                               std::string reason) {
  co_return co_await context_.queue.submit([subscriber = std::move(subscriber), id, failed_at, due,
                                            reason = std::move(reason)](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    const auto changed =
        db.run("UPDATE alarm_pending SET attempts=attempts+1, due_ms=?3 WHERE subscriber=?1 AND notification=?2",
               subscriber, id, due);
    if (changed == 0) return fail(ErrorKind::not_found, "no such notification waits for this subscriber");
    count_failure(db, subscriber, failed_at, reason, false);
    return {};
  });
}

Awaitable<Status> SqliteAlarmStore::give_up(std::string subscriber, std::int64_t id, Instant when, std::string reason) {
  co_return co_await context_.queue.submit([subscriber = std::move(subscriber), id, when,
                                            reason = std::move(reason)](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    if (const Status removed = remove_pending(db, subscriber, id); !removed) return removed;
    count_failure(db, subscriber, when, reason, true);
    return {};
  });
}

Awaitable<Result<std::vector<ports::SubscriberRecord>>> SqliteAlarmStore::subscribers() {
  co_return context_.readers.read(
      [](Connection& db) -> Result<std::vector<ports::SubscriberRecord>> { return read_subscribers(db); });
}

}  // namespace s3link::sqlite_store
