#include "adapters/sqlite_store/dead_letter_queue.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sqlite_store/attempt_rows.hpp"
#include "adapters/sqlite_store/counters.hpp"

namespace s3link::sqlite_store {
namespace {

using ports::DeadLetter;

constexpr std::size_t kMostRows = 1000;

std::vector<std::int64_t> read_ids(Query rows) {
  std::vector<std::int64_t> ids;
  while (rows.next()) ids.push_back(rows.integer(0));
  return ids;
}

std::optional<DeadLetter> find_letter(Connection& db, std::int64_t id) {
  Query row = db.query(
      "SELECT event_json, bucket, key, created_ms, attempts, first_failure_ms, last_failure_ms, kind, message,"
      " recipient, reply, trace, removed_at_ms FROM dead_letters WHERE id=?1",
      id);
  if (!row.next()) return std::nullopt;
  return DeadLetter{
      .id = id,
      .event_json = row.text(0),
      .bucket = row.text(1),
      .key = row.text(2),
      .created = row.instant(3),
      .attempts = static_cast<unsigned>(row.integer(4)),
      .first_failure = row.instant(5),
      .last_failure = row.instant(6),
      .reason = {.kind = row.text(7), .message = row.text(8), .recipient = row.text(9), .reply = row.text(10)},
      .trace = row.text(11),
      .removal = row.maybe_instant(12),
      .history = {}};
}

std::vector<DeadLetter> find_letters(Connection& db, const std::vector<std::int64_t>& ids) {
  std::vector<DeadLetter> letters;
  for (const std::int64_t id : ids) {
    if (auto letter = find_letter(db, id)) letters.push_back(std::move(*letter));
  }
  return letters;
}

bool redrive_one(Connection& db, std::int64_t id, Instant due) {
  db.run(
      "INSERT INTO outbox(id, event_json, bucket, key, created_ms, due_ms, retry_since_ms, first_failure_ms, last_kind,"
      " last_message, trace) SELECT id, event_json, bucket, key, created_ms, ?2, ?2, first_failure_ms, kind, message,"
      " trace"
      " FROM dead_letters WHERE id=?1",
      id, due);
  return db.run("DELETE FROM dead_letters WHERE id=?1", id) > 0;
}

bool drop_one(Connection& db, std::int64_t id, Instant when, const ports::FailureReason& rule) {
  db.run(
      "INSERT OR REPLACE INTO dropped(id, event_json, bucket, key, created_ms, attempts, dropped_ms, rule, message,"
      " trace) SELECT id, event_json, bucket, key, created_ms, attempts, ?2, ?3, ?4 || '; given up for ' || kind ||"
      " ': ' || message, trace FROM dead_letters WHERE id=?1",
      id, when, rule.kind, rule.message);
  forget_attempts(db, id);
  return db.run("DELETE FROM dead_letters WHERE id=?1", id) > 0;
}

}  // namespace

void SqliteDeadLetterQueue::on_change(std::function<void()> changed) {
  const std::lock_guard lock(mutex_);
  changed_ = std::move(changed);
}

void SqliteDeadLetterQueue::changed() {
  const std::lock_guard lock(mutex_);
  if (changed_) changed_();
}

Awaitable<Result<std::uint64_t>> SqliteDeadLetterQueue::length() {
  co_return context_.readers.read([](Connection& db) -> Result<std::uint64_t> { return count_dead_letters(db); });
}

Awaitable<Result<std::vector<ports::ReasonCount>>> SqliteDeadLetterQueue::reasons() {
  co_return context_.readers.read([](Connection& db) -> Result<std::vector<ports::ReasonCount>> {
    std::vector<ports::ReasonCount> counts;
    Query rows = db.query("SELECT kind, count(*) FROM dead_letters GROUP BY kind ORDER BY count(*) DESC, kind");
    while (rows.next()) counts.push_back({.kind = rows.text(0), .count = rows.count(1)});
    return counts;
  });
}

Awaitable<Result<ports::DeadLetterPage>> SqliteDeadLetterQueue::list(ports::DeadLetterFilter filter,
                                                                     std::optional<std::int64_t> after,
                                                                     std::size_t limit) {
  co_return context_.readers.read([&](Connection& db) -> Result<ports::DeadLetterPage> {
    const std::size_t most = std::clamp<std::size_t>(limit, 1, kMostRows);
    const std::int64_t below = after.value_or(INT64_MAX);
    auto ids =
        read_ids(filter.reason.empty()
                     ? db.query("SELECT id FROM dead_letters WHERE id<?1 ORDER BY id DESC LIMIT ?2", below, most + 1)
                     : db.query("SELECT id FROM dead_letters WHERE kind=?3 AND id<?1 ORDER BY id DESC LIMIT ?2", below,
                                most + 1, filter.reason));
    const bool more = ids.size() > most;
    if (more) ids.pop_back();
    return ports::DeadLetterPage{.letters = find_letters(db, ids),
                                 .next = more ? std::optional(ids.back()) : std::nullopt};
  });
}

Awaitable<Result<DeadLetter>> SqliteDeadLetterQueue::get(std::int64_t id) {
  co_return context_.readers.read([id](Connection& db) -> Result<DeadLetter> {
    auto letter = find_letter(db, id);
    if (!letter) return fail(ErrorKind::not_found, "there is no dead letter " + std::to_string(id));
    letter->history = read_attempts(db, id);
    return std::move(*letter);
  });
}

Awaitable<Result<std::vector<std::int64_t>>> SqliteDeadLetterQueue::redrive(std::vector<std::int64_t> ids,
                                                                            Instant due) {
  using Ids = std::vector<std::int64_t>;
  co_return co_await context_.queue.submit([ids = std::move(ids), due](WriteTransaction& transaction) -> Result<Ids> {
    Ids moved;
    for (const std::int64_t id : ids) {
      if (redrive_one(transaction.db(), id, due)) moved.push_back(id);
    }
    if (!moved.empty()) {
      transaction.added_outbox_entry();
      transaction.changed_dead_letters();
    }
    return moved;
  });
}

Awaitable<Result<std::vector<std::int64_t>>> SqliteDeadLetterQueue::drop(std::vector<std::int64_t> ids, Instant when,
                                                                         ports::FailureReason rule) {
  using Ids = std::vector<std::int64_t>;
  co_return co_await context_.queue.submit(
      [ids = std::move(ids), when, rule = std::move(rule)](WriteTransaction& transaction) -> Result<Ids> {
        Ids dropped;
        for (const std::int64_t id : ids) {
          if (drop_one(transaction.db(), id, when, rule)) dropped.push_back(id);
        }
        if (!dropped.empty()) transaction.changed_dead_letters();
        return dropped;
      });
}

Awaitable<Result<std::vector<DeadLetter>>> SqliteDeadLetterQueue::older_than(Instant last_failure, std::size_t limit) {
  co_return context_.readers.read([&](Connection& db) -> Result<std::vector<DeadLetter>> {
    return find_letters(
        db, read_ids(db.query("SELECT id FROM dead_letters WHERE last_failure_ms<?1 ORDER BY last_failure_ms LIMIT ?2",
                              last_failure, limit)));
  });
}

}  // namespace s3link::sqlite_store
