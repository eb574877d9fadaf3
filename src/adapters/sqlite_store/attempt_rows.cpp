#include "adapters/sqlite_store/attempt_rows.hpp"

namespace s3link::sqlite_store {

void add_attempt(Connection& db, std::int64_t event, Instant at, const ports::FailureReason& reason) {
  std::int64_t number = 1;
  {
    Query row = db.query("SELECT number FROM attempts WHERE event=?1 ORDER BY number DESC LIMIT 1", event);
    if (row.next()) number = row.integer(0) + 1;
  }
  db.run(
      "INSERT INTO attempts(event, number, at_ms, kind, message, recipient, reply)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      event, number, at, reason.kind, reason.message, reason.recipient, reason.reply);
  db.run("DELETE FROM attempts WHERE event=?1 AND number<=?2", event,
         number - static_cast<std::int64_t>(ports::kMostAttemptsKept));
}

std::vector<ports::FailedAttempt> read_attempts(Connection& db, std::int64_t event) {
  std::vector<ports::FailedAttempt> attempts;
  Query rows =
      db.query("SELECT at_ms, kind, message, recipient, reply FROM attempts WHERE event=?1 ORDER BY number", event);
  while (rows.next()) {
    attempts.push_back(
        {.at = rows.instant(0),
         .reason = {.kind = rows.text(1), .message = rows.text(2), .recipient = rows.text(3), .reply = rows.text(4)}});
  }
  return attempts;
}

void forget_attempts(Connection& db, std::int64_t event) { db.run("DELETE FROM attempts WHERE event=?1", event); }

void add_refusals(Connection& db, std::int64_t event, const std::vector<ports::FailureReason>& refused) {
  for (const ports::FailureReason& reason : refused) {
    db.run("INSERT OR IGNORE INTO refusals(event, recipient, kind, message, reply) VALUES(?1, ?2, ?3, ?4, ?5)", event,
           reason.recipient, reason.kind, reason.message, reason.reply);
  }
}

std::vector<ports::FailureReason> read_refusals(Connection& db, std::int64_t event) {
  std::vector<ports::FailureReason> refused;
  Query rows =
      db.query("SELECT kind, message, recipient, reply FROM refusals WHERE event=?1 ORDER BY recipient", event);
  while (rows.next()) {
    refused.push_back(
        {.kind = rows.text(0), .message = rows.text(1), .recipient = rows.text(2), .reply = rows.text(3)});
  }
  return refused;
}

void forget_refusals(Connection& db, std::int64_t event) { db.run("DELETE FROM refusals WHERE event=?1", event); }

}  // namespace s3link::sqlite_store
