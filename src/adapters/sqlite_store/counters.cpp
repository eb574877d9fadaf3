#include "adapters/sqlite_store/counters.hpp"

#include <string>

namespace s3link::sqlite_store {
namespace {

std::uint64_t read_count(Query row) { return row.next() ? row.count(0) : 0; }

}  // namespace

std::uint64_t count_outbox(Connection& db) {
  return read_count(db.query("SELECT value FROM counters WHERE name='outbox'"));
}

std::uint64_t count_dead_letters(Connection& db) {
  return read_count(db.query("SELECT value FROM counters WHERE name='dead_letters'"));
}

std::optional<Instant> oldest_event(Connection& db) {
  // Ids grow with time, so the oldest event is the first one.
  Query row = db.query("SELECT created_ms FROM outbox ORDER BY id LIMIT 1");
  if (!row.next()) return std::nullopt;
  return row.instant(0);
}

Status check_outbox_room(Connection& db, std::uint64_t max_pending) {
  if (count_outbox(db) < max_pending) return {};
  return fail(ErrorKind::transient,
              "as many mails wait as delivery.max_pending allows (" + std::to_string(max_pending) + ")", "SlowDown");
}

}  // namespace s3link::sqlite_store
