#include "adapters/sqlite_store/outbox.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sqlite_store/attempt_rows.hpp"

namespace s3link::sqlite_store {
namespace {

using Entries = std::vector<ports::OutboxEntry>;

constexpr std::int64_t kMostBroughtForward = 1'000;  // in one transaction: long ones would hold up the writers

bool is_due(Connection& db, bool retried, Instant now) {
  return db.query("SELECT 1 FROM outbox WHERE (first_failure_ms IS NOT NULL)=?1 AND due_ms<=?2 LIMIT 1", retried, now)
      .next();
}

bool is_due_after(Connection& db, bool retried, Instant latest) {
  return db.query("SELECT 1 FROM outbox WHERE (first_failure_ms IS NOT NULL)=?1 AND due_ms>?2 LIMIT 1", retried, latest)
      .next();
}

std::optional<Instant> first_due(Connection& db, bool retried) {
  Query row = db.query("SELECT due_ms FROM outbox WHERE (first_failure_ms IS NOT NULL)=?1 ORDER BY due_ms, id LIMIT 1",
                       retried);
  if (!row.next()) return std::nullopt;
  return row.instant(0);
}

constexpr const char* kColumns =
    "SELECT id, event_json, created_ms, attempts, first_failure_ms, coalesce(leased_due_ms, due_ms), trace,"
    " coalesce(retry_since_ms, created_ms), coalesce(last_kind, '') FROM outbox ";

ports::OutboxEntry read_entry(const Query& row) {
  return {.id = row.integer(0),
          .event_json = row.text(1),
          .created = row.instant(2),
          .attempts = static_cast<unsigned>(row.integer(3)),
          .first_failure = row.maybe_instant(4),
          .due = row.instant(5),
          .trace = row.text(6),
          .since = row.instant(7),
          .last_failure = row.text(8)};
}

/// Appends up to `max` of that sort.
void read_due(Connection& db, bool retried, Instant now, std::size_t max, Entries& out) {
  static const std::string kSql =
      std::string(kColumns) + "WHERE (first_failure_ms IS NOT NULL)=?1 AND due_ms<=?2 ORDER BY due_ms, id LIMIT ?3";
  Query rows = db.query(kSql.c_str(), retried, now, max);
  while (rows.next()) out.push_back(read_entry(rows));
}

/// Of delivery::gives_up_at(): what is over by ?1 with give_up_after ?2, in milliseconds. The oldest first.
std::vector<std::int64_t> find_overdue(Connection& db, Instant now, const delivery::RetryPolicy& policy,
                                       std::size_t most) {
  Query rows = db.query(
      "SELECT id FROM (SELECT id, bucket, key, coalesce(retry_since_ms, created_ms) AS since FROM outbox"
      " WHERE due_ms<=?1) AS waiting WHERE since+?2<=?1 OR EXISTS (SELECT 1 FROM buckets JOIN objects"
      " ON objects.bucket=buckets.id WHERE buckets.name=waiting.bucket AND objects.key=waiting.key"
      " AND removed_at_ms-min(3600000, max(0, removed_at_ms-since)/24)<=?1) ORDER BY id LIMIT ?3",
      now, static_cast<std::int64_t>(policy.give_up_after.count()), most);
  std::vector<std::int64_t> ids;
  while (rows.next()) ids.push_back(rows.integer(0));
  return ids;
}

void claim(Connection& db, Entries& entries, Instant lease_until) {
  for (auto& entry : entries) {
    entry.refused = read_refusals(db, entry.id);
    db.run("UPDATE outbox SET leased_due_ms=coalesce(leased_due_ms, due_ms), due_ms=?2 WHERE id=?1", entry.id,
           lease_until);
  }
}

/// The last statement must have changed the one row of the event.
Status changed_one(std::int64_t changed) {
  if (changed == 0) return fail(ErrorKind::not_found, "no such event in the outbox");
  return {};
}

}  // namespace

void SqliteOutbox::on_new_entry(std::function<void()> wake) {
  const std::lock_guard lock(mutex_);
  wake_ = std::move(wake);
}

void SqliteOutbox::wake() {
  const std::lock_guard lock(mutex_);
  if (wake_) wake_();
}

Status SqliteOutbox::release_claims(Connection& writer) {
  writer.run("UPDATE outbox SET due_ms=leased_due_ms, leased_due_ms=NULL WHERE leased_due_ms IS NOT NULL");
  if (!writer.ok()) return std::unexpected(writer.error());
  return {};
}

Awaitable<Result<std::vector<ports::OutboxEntry>>> SqliteOutbox::take_due(Instant now, delivery::Room room,
                                                                          Instant lease_until) {
  if (room.total == 0) co_return Entries{};
  // Most looks find nothing, and then there is nothing to write.
  const auto due = context_.readers.read([now, room](Connection& db) -> Result<bool> {
    return is_due(db, false, now) || (room.retried > 0 && is_due(db, true, now));
  });
  if (!due) co_return std::unexpected(due.error());
  if (!*due) co_return Entries{};
  co_return co_await context_.queue.submit([now, room, lease_until](WriteTransaction& transaction) -> Result<Entries> {
    Connection& db = transaction.db();
    Entries entries;
    if (!room.retried_first) read_due(db, false, now, room.total, entries);
    read_due(db, true, now, std::min(room.retried, room.total - entries.size()), entries);
    if (room.retried_first) read_due(db, false, now, room.total - entries.size(), entries);
    claim(db, entries, lease_until);
    return entries;
  });
}

Awaitable<Result<std::vector<ports::OutboxEntry>>> SqliteOutbox::take_overdue(Instant now, delivery::RetryPolicy policy,
                                                                              std::size_t most, Instant lease_until) {
  // All that wait are looked at, so it is done beside the writers.
  auto ids = context_.readers.read([now, policy, most](Connection& db) -> Result<std::vector<std::int64_t>> {
    return find_overdue(db, now, policy, most);
  });
  if (!ids) co_return std::unexpected(ids.error());
  if (ids->empty()) co_return Entries{};
  co_return co_await context_.queue.submit(
      [now, lease_until, ids = std::move(*ids)](WriteTransaction& transaction) -> Result<Entries> {
        static const std::string kSql = std::string(kColumns) + "WHERE id=?1 AND due_ms<=?2";
        Entries entries;
        for (const std::int64_t id : ids) {
          Query row = transaction.db().query(kSql.c_str(), id, now);
          if (row.next()) entries.push_back(read_entry(row));
        }
        claim(transaction.db(), entries, lease_until);
        return entries;
      });
}

Awaitable<Result<ports::NextDue>> SqliteOutbox::next_due() {
  co_return context_.readers.read([](Connection& db) -> Result<ports::NextDue> {
    return ports::NextDue{.fresh = first_due(db, false), .retried = first_due(db, true)};
  });
}

Awaitable<Result<std::size_t>> SqliteOutbox::bring_forward(Instant now, Instant latest) {
  const auto any = context_.readers.read([latest](Connection& db) -> Result<bool> {
    return is_due_after(db, false, latest) || is_due_after(db, true, latest);
  });
  if (!any) co_return std::unexpected(any.error());
  if (!*any) co_return 0;
  co_return co_await context_.queue.submit([now, latest](WriteTransaction& transaction) -> Result<std::size_t> {
    transaction.added_outbox_entry();
    std::int64_t count = 0;
    for (const bool retried : {false, true}) {
      count += transaction.db().run(
          "UPDATE outbox SET due_ms=?1, leased_due_ms=min(leased_due_ms, ?1) WHERE id IN (SELECT id FROM outbox"
          " WHERE (first_failure_ms IS NOT NULL)=?3 AND due_ms>?2 LIMIT ?4)",
          now, latest, retried, kMostBroughtForward - count);
    }
    return static_cast<std::size_t>(count);
  });
}

Awaitable<Status> SqliteOutbox::mark_delivered(std::int64_t id) {
  co_return co_await context_.queue.submit([id](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    forget_attempts(db, id);
    forget_refusals(db, id);
    return changed_one(db.run("DELETE FROM outbox WHERE id=?1", id));
  });
}

Awaitable<Status> SqliteOutbox::reschedule(std::int64_t id, Instant failed_at, Instant due, ports::FailureReason reason,
                                           std::vector<ports::FailureReason> refused, bool counts) {
  co_return co_await context_.queue.submit([id, failed_at, due, reason = std::move(reason),
                                            refused = std::move(refused),
                                            counts](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    add_attempt(db, id, failed_at, reason);
    add_refusals(db, id, refused);
    transaction.added_outbox_entry();
    return changed_one(
        db.run("UPDATE outbox SET attempts=attempts+?6, first_failure_ms=coalesce(first_failure_ms, ?2), due_ms=?3,"
               " leased_due_ms=NULL, last_kind=?4, last_message=?5 WHERE id=?1",
               id, failed_at, due, reason.kind, reason.message, counts));
  });
}

Awaitable<Status> SqliteOutbox::postpone(std::int64_t id, Instant due, std::vector<ports::FailureReason> refused) {
  co_return co_await context_.queue.submit([id, due,
                                            refused = std::move(refused)](WriteTransaction& transaction) -> Status {
    add_refusals(transaction.db(), id, refused);
    transaction.added_outbox_entry();
    return changed_one(transaction.db().run("UPDATE outbox SET due_ms=?2, leased_due_ms=NULL WHERE id=?1", id, due));
  });
}

Awaitable<Status> SqliteOutbox::give_up(std::int64_t id, Instant failed_at, ports::FailureReason reason,
                                        std::optional<Instant> removal) {
  co_return co_await context_.queue.submit([id, failed_at, reason = std::move(reason),
                                            removal](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    add_attempt(db, id, failed_at, reason);
    db.run(
        "INSERT INTO dead_letters(id, event_json, bucket, key, created_ms, attempts, first_failure_ms,"
        " last_failure_ms, kind, message, recipient, reply, trace, removed_at_ms) SELECT id, event_json, bucket, key,"
        " created_ms, attempts+1, coalesce(first_failure_ms, ?2), ?2, ?3, ?4, ?5, ?6, trace, ?7 FROM outbox"
        " WHERE id=?1",
        id, failed_at, reason.kind, reason.message, reason.recipient, reason.reply, removal);
    forget_refusals(db, id);
    const Status moved = changed_one(db.run("DELETE FROM outbox WHERE id=?1", id));
    if (moved) transaction.changed_dead_letters();
    return moved;
  });
}

Awaitable<Status> SqliteOutbox::drop(std::int64_t id, Instant when, ports::FailureReason rule) {
  co_return co_await context_.queue.submit([id, when, rule = std::move(rule)](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    db.run(
        "INSERT OR REPLACE INTO dropped(id, event_json, bucket, key, created_ms, attempts, dropped_ms, rule, message,"
        " trace) SELECT id, event_json, bucket, key, created_ms, attempts, ?2, ?3, ?4, trace FROM outbox WHERE id=?1",
        id, when, rule.kind, rule.message);
    forget_attempts(db, id);
    forget_refusals(db, id);
    return changed_one(db.run("DELETE FROM outbox WHERE id=?1", id));
  });
}

}  // namespace s3link::sqlite_store
