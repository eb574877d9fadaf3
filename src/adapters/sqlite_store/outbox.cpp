#include "adapters/sqlite_store/outbox.hpp"

#include <utility>

namespace s3link::sqlite_store {
namespace {

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

Awaitable<Result<std::vector<ports::OutboxEntry>>> SqliteOutbox::take_due(Instant now, std::size_t max,
                                                                          Instant lease_until) {
  using Entries = std::vector<ports::OutboxEntry>;
  const auto due = context_.readers.read([now](Connection& db) -> Result<bool> {
    return db.query("SELECT 1 FROM outbox WHERE due_ms<=?1 LIMIT 1", now).next();
  });
  if (!due) co_return std::unexpected(due.error());
  if (!*due || max == 0) co_return Entries{};
  co_return co_await context_.queue.submit([now, max, lease_until](WriteTransaction& transaction) -> Result<Entries> {
    Connection& db = transaction.db();
    Entries entries;
    {
      Query rows = db.query(
          "SELECT id, event_json, created_ms, attempts, first_failure_ms FROM outbox WHERE due_ms<=?1"
          " ORDER BY due_ms, id LIMIT ?2",
          now, max);
      while (rows.next()) {
        entries.push_back({.id = rows.integer(0),
                           .event_json = rows.text(1),
                           .created = rows.instant(2),
                           .attempts = static_cast<unsigned>(rows.integer(3)),
                           .first_failure = rows.maybe_instant(4)});
      }
    }
    for (const auto& entry : entries) {
      db.run("UPDATE outbox SET leased_due_ms=coalesce(leased_due_ms, due_ms), due_ms=?2 WHERE id=?1", entry.id,
             lease_until);
    }
    return entries;
  });
}

Awaitable<Result<std::optional<Instant>>> SqliteOutbox::next_due() {
  co_return context_.readers.read([](Connection& db) -> Result<std::optional<Instant>> {
    Query row = db.query("SELECT due_ms FROM outbox ORDER BY due_ms, id LIMIT 1");
    if (!row.next()) return std::nullopt;
    return row.instant(0);
  });
}

Awaitable<Status> SqliteOutbox::mark_delivered(std::int64_t id) {
  co_return co_await context_.queue.submit([id](WriteTransaction& transaction) -> Status {
    return changed_one(transaction.db().run("DELETE FROM outbox WHERE id=?1", id));
  });
}

Awaitable<Status> SqliteOutbox::reschedule(std::int64_t id, Instant failed_at, Instant due,
                                           ports::FailureReason reason) {
  co_return co_await context_.queue.submit(
      [id, failed_at, due, reason = std::move(reason)](WriteTransaction& transaction) -> Status {
        transaction.added_outbox_entry();
        return changed_one(transaction.db().run(
            "UPDATE outbox SET attempts=attempts+1, first_failure_ms=coalesce(first_failure_ms, ?2), due_ms=?3,"
            " leased_due_ms=NULL, last_kind=?4, last_message=?5 WHERE id=?1",
            id, failed_at, due, reason.kind, reason.message));
      });
}

Awaitable<Status> SqliteOutbox::give_up(std::int64_t id, Instant failed_at, ports::FailureReason reason) {
  co_return co_await context_.queue.submit(
      [id, failed_at, reason = std::move(reason)](WriteTransaction& transaction) -> Status {
        Connection& db = transaction.db();
        db.run(
            "INSERT OR REPLACE INTO dead_letters(id, event_json, bucket, key, created_ms, attempts, first_failure_ms,"
            " last_failure_ms, kind, message) SELECT id, event_json, bucket, key, created_ms, attempts+1,"
            " coalesce(first_failure_ms, ?2), ?2, ?3, ?4 FROM outbox WHERE id=?1",
            id, failed_at, reason.kind, reason.message);
        return changed_one(db.run("DELETE FROM outbox WHERE id=?1", id));
      });
}

Awaitable<Status> SqliteOutbox::drop(std::int64_t id, Instant when, ports::FailureReason rule) {
  co_return co_await context_.queue.submit([id, when, rule = std::move(rule)](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    db.run(
        "INSERT OR REPLACE INTO dropped(id, event_json, bucket, key, created_ms, attempts, dropped_ms, rule, message)"
        " SELECT id, event_json, bucket, key, created_ms, attempts, ?2, ?3, ?4 FROM outbox WHERE id=?1",
        id, when, rule.kind, rule.message);
    return changed_one(db.run("DELETE FROM outbox WHERE id=?1", id));
  });
}

}  // namespace s3link::sqlite_store
