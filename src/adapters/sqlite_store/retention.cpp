#include "adapters/sqlite_store/retention.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "adapters/sqlite_store/object_rows.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::days;

constexpr days kLedgerAge(90);
constexpr days kDroppedAge(14);
constexpr days kCompletedUploadAge(1);
constexpr std::int64_t kRowsAtATime = 200;

using BucketAndKey = std::pair<std::int64_t, std::string>;

std::vector<BucketAndKey> read_keys(Query rows) {
  std::vector<BucketAndKey> keys;
  while (rows.next()) keys.emplace_back(rows.integer(0), rows.text(1));
  return keys;
}

/// Whether the object's own row says so; an index that was damaged may say otherwise.
bool is_due(Connection& db, const BucketAndKey& object, Instant now) {
  return db
      .query("SELECT 1 FROM objects WHERE bucket=?1 AND key=?2 AND removed_at_ms<=?3", object.first,
             Blob{object.second}, now)
      .next();
}

/// One that is damaged keeps no other from going.
bool remove_alone(WriteTransaction& transaction, const BucketAndKey& object, Instant now) {
  Connection& db = transaction.db();
  db.run("SAVEPOINT expired");
  remove_object(transaction, object.first, object.second, now);
  const bool kept = is_damaged(db.code()) && !is_damaged_index(db.code());
  if (kept) {
    db.clear_error();
    db.run("ROLLBACK TO expired");
  }
  db.run("RELEASE expired");
  return !kept;
}

}  // namespace

std::size_t remove_expired_objects(WriteTransaction& transaction, Instant now, std::size_t limit) {
  const auto due = read_keys(
      transaction.db().query("SELECT bucket, key FROM objects WHERE removed_at_ms IS NOT NULL AND removed_at_ms<=?1"
                             " ORDER BY removed_at_ms LIMIT ?2",
                             now, limit));
  Connection& db = transaction.db();
  std::size_t removed = 0;
  bool index_damaged = false;
  for (const BucketAndKey& object : due) {
    if (!is_due(db, object, now)) {
      index_damaged = true;
    } else if (remove_alone(transaction, object, now)) {
      ++removed;
    }
  }
  if (index_damaged) db.run("REINDEX objects_by_removal");
  return removed;
}

bool remove_expired_of_bucket(WriteTransaction& transaction, std::int64_t bucket, Instant now) {
  Connection& db = transaction.db();
  {
    Query row = db.query(
        "SELECT 1 FROM objects WHERE bucket=?1 AND (removed_at_ms IS NULL OR removed_at_ms>?2) LIMIT 1", bucket, now);
    if (row.next()) return false;
  }
  const auto due = read_keys(db.query("SELECT bucket, key FROM objects WHERE bucket=?1", bucket));
  for (const auto& [its_bucket, key] : due) remove_object(transaction, its_bucket, key, now);
  return true;
}

// Numbers and sequencers grow with time, so the oldest rows are the first ones. Not so the events that were dropped: a
// dead letter is, long after later events were.
void prune_history(WriteTransaction& transaction, Instant now) {
  Connection& db = transaction.db();
  db.run("DELETE FROM dropped WHERE id IN (SELECT id FROM dropped WHERE dropped_ms<?1 ORDER BY dropped_ms LIMIT ?2)",
         now - kDroppedAge, kRowsAtATime);
  db.run(
      "DELETE FROM completed_uploads WHERE number IN (SELECT number FROM completed_uploads ORDER BY number LIMIT ?2)"
      " AND completed_ms<?1",
      now - kCompletedUploadAge, kRowsAtATime);
  std::vector<std::string> old;
  {
    Query rows = db.query("SELECT sequencer, sent_ms FROM ledger ORDER BY sequencer LIMIT ?1", kRowsAtATime);
    while (rows.next()) {
      if (rows.instant(1) < now - kLedgerAge) old.push_back(rows.text(0));
    }
  }
  old.erase(std::unique(old.begin(), old.end()), old.end());
  for (const std::string& sequencer : old)
    db.run("DELETE FROM ledger WHERE sequencer=?1 AND sent_ms<?2", sequencer, now - kLedgerAge);
}

}  // namespace s3link::sqlite_store
