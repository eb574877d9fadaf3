#include "adapters/sqlite_store/schema.hpp"

#include <array>
#include <span>
#include <string>

#include "adapters/sqlite_store/sealed_rows.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::int64_t kApplicationId = 0x53334C4B;  // "S3LK"

constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES('next_number', 1);

CREATE TABLE buckets(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL);

CREATE TABLE objects(
  bucket INTEGER NOT NULL, key BLOB NOT NULL, number INTEGER NOT NULL, body_set INTEGER NOT NULL,
  size INTEGER NOT NULL, etag TEXT NOT NULL, modified_ms INTEGER NOT NULL, removed_at_ms INTEGER,
  headers TEXT, checksum_algorithm TEXT, checksum_value TEXT, checksum_composite INTEGER,
  sha256 BLOB, parts INTEGER NOT NULL,
  PRIMARY KEY(bucket, key)) WITHOUT ROWID;
CREATE INDEX objects_by_removal ON objects(removed_at_ms, bucket, key) WHERE removed_at_ms IS NOT NULL;

CREATE TABLE bodies(
  body_set INTEGER NOT NULL, part INTEGER NOT NULL, id BLOB NOT NULL, size INTEGER NOT NULL,
  wrapped_key BLOB NOT NULL, small INTEGER,
  md5 BLOB, modified_ms INTEGER, checksum_algorithm TEXT, checksum_value TEXT,
  PRIMARY KEY(body_set, part)) WITHOUT ROWID;
CREATE UNIQUE INDEX bodies_in_files ON bodies(id) WHERE small IS NULL;
CREATE TABLE small_bodies(id INTEGER PRIMARY KEY, sealed BLOB NOT NULL);

CREATE TABLE uploads(
  bucket INTEGER NOT NULL, key BLOB NOT NULL, upload_id TEXT NOT NULL, body_set INTEGER NOT NULL,
  initiated_ms INTEGER NOT NULL, headers TEXT, checksum_algorithm TEXT NOT NULL, checksum_composite INTEGER NOT NULL,
  PRIMARY KEY(bucket, key, upload_id)) WITHOUT ROWID;
CREATE TABLE completed_uploads(
  number INTEGER PRIMARY KEY, upload_id TEXT NOT NULL UNIQUE, bucket INTEGER NOT NULL, key BLOB NOT NULL,
  completed_ms INTEGER NOT NULL);

CREATE TABLE outbox(
  id INTEGER PRIMARY KEY, event_json TEXT NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL,
  created_ms INTEGER NOT NULL, due_ms INTEGER NOT NULL, leased_due_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, first_failure_ms INTEGER, last_kind TEXT, last_message TEXT);
CREATE INDEX outbox_by_due ON outbox(due_ms, id);
CREATE INDEX outbox_leased ON outbox(leased_due_ms) WHERE leased_due_ms IS NOT NULL;
CREATE TABLE ledger(
  sequencer TEXT NOT NULL, recipient TEXT NOT NULL, kind TEXT NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL,
  message_id TEXT NOT NULL, created_ms INTEGER NOT NULL, sent_ms INTEGER NOT NULL, deadline_ms INTEGER NOT NULL,
  reply TEXT NOT NULL,
  PRIMARY KEY(sequencer, recipient, kind, bucket, key)) WITHOUT ROWID;
CREATE TABLE dead_letters(
  id INTEGER PRIMARY KEY, event_json TEXT NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL,
  created_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, first_failure_ms INTEGER NOT NULL,
  last_failure_ms INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL);
CREATE TABLE dropped(
  id INTEGER PRIMARY KEY, event_json TEXT NOT NULL, bucket TEXT NOT NULL, key BLOB NOT NULL,
  created_ms INTEGER NOT NULL, attempts INTEGER NOT NULL, dropped_ms INTEGER NOT NULL,
  rule TEXT NOT NULL, message TEXT NOT NULL);

CREATE TABLE open_folders(folder INTEGER PRIMARY KEY);
CREATE TABLE garbage(id INTEGER PRIMARY KEY, body_set INTEGER NOT NULL, file BLOB NOT NULL);
)sql";

// The triggers keep the counters true whoever writes the tables. An index on the sort of an entry lets the dispatcher
// take fresh and retried ones apart.
constexpr const char* kVersion2DeadLetters = R"sql(
CREATE TABLE counters(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO counters SELECT 'outbox', count(*) FROM outbox;
INSERT INTO counters SELECT 'dead_letters', count(*) FROM dead_letters;
CREATE TRIGGER outbox_counts_up AFTER INSERT ON outbox
  BEGIN UPDATE counters SET value=value+1 WHERE name='outbox'; END;
CREATE TRIGGER outbox_counts_down AFTER DELETE ON outbox
  BEGIN UPDATE counters SET value=value-1 WHERE name='outbox'; END;
CREATE TRIGGER dead_letters_counts_up AFTER INSERT ON dead_letters
  BEGIN UPDATE counters SET value=value+1 WHERE name='dead_letters'; END;
CREATE TRIGGER dead_letters_counts_down AFTER DELETE ON dead_letters
  BEGIN UPDATE counters SET value=value-1 WHERE name='dead_letters'; END;

DROP INDEX outbox_by_due;
CREATE INDEX outbox_by_sort ON outbox((first_failure_ms IS NOT NULL), due_ms, id);

CREATE TABLE attempts(
  event INTEGER NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL,
  recipient TEXT NOT NULL, reply TEXT NOT NULL,
  PRIMARY KEY(event, number)) WITHOUT ROWID;

ALTER TABLE dead_letters ADD COLUMN recipient TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN reply TEXT NOT NULL DEFAULT '';
ALTER TABLE dead_letters ADD COLUMN trace TEXT NOT NULL DEFAULT '';
CREATE INDEX dead_letters_by_kind ON dead_letters(kind, id);
CREATE INDEX dead_letters_by_age ON dead_letters(last_failure_ms);
CREATE INDEX dropped_by_age ON dropped(dropped_ms);
)sql";

// In the form of the X-Ray header, so that a later attempt finds whom to name as its parent.
constexpr const char* kVersion2Trace = R"sql(
ALTER TABLE outbox ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE dropped ADD COLUMN trace TEXT NOT NULL DEFAULT '';
ALTER TABLE ledger ADD COLUMN trace TEXT NOT NULL DEFAULT '';
)sql";

constexpr const char* kVersion2Alarm = R"sql(
CREATE TABLE alarms(
  name TEXT PRIMARY KEY, state TEXT NOT NULL, since_ms INTEGER, told TEXT NOT NULL, told_since_ms INTEGER,
  alarm_told_ms INTEGER, ok_told_ms INTEGER, changes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE alarm_notifications(
  id INTEGER PRIMARY KEY, alarm TEXT NOT NULL, message TEXT NOT NULL, made_ms INTEGER NOT NULL,
  since_ms INTEGER NOT NULL, alarm_since_ms INTEGER, value INTEGER NOT NULL, threshold INTEGER NOT NULL,
  changes INTEGER NOT NULL, reasons TEXT NOT NULL);
CREATE TABLE alarm_pending(
  subscriber TEXT NOT NULL, notification INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0,
  due_ms INTEGER NOT NULL,
  PRIMARY KEY(subscriber, notification)) WITHOUT ROWID;
CREATE TABLE alarm_subscribers(
  name TEXT PRIMARY KEY, told INTEGER NOT NULL DEFAULT 0, failed_attempts INTEGER NOT NULL DEFAULT 0,
  given_up INTEGER NOT NULL DEFAULT 0, last_told_ms INTEGER, last_failure_ms INTEGER,
  last_reason TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
CREATE INDEX dead_letters_by_reason ON dead_letters(kind, message);
)sql";

// removal_rule: the rule that decided over removed_at_ms; NULL: none did. Uploads begun before get the week that is the
// rule where there is none.
constexpr const char* kVersion2Lifecycle = R"sql(
CREATE TABLE lifecycle_rules(
  bucket INTEGER NOT NULL, position INTEGER NOT NULL, id TEXT NOT NULL, enabled INTEGER NOT NULL,
  prefix BLOB NOT NULL, prefix_in_filter INTEGER NOT NULL, expiration_days INTEGER, abort_days INTEGER,
  PRIMARY KEY(bucket, position)) WITHOUT ROWID;
CREATE TABLE lifecycle_pending(
  bucket INTEGER PRIMARY KEY, objects_done INTEGER NOT NULL, key BLOB NOT NULL, upload_id TEXT NOT NULL);
ALTER TABLE objects ADD COLUMN removal_rule TEXT;
ALTER TABLE uploads ADD COLUMN abort_at_ms INTEGER NOT NULL DEFAULT 0;
UPDATE uploads SET abort_at_ms=initiated_ms+7*86400000;
CREATE INDEX uploads_by_abort ON uploads(abort_at_ms);
)sql";

constexpr const char* kVersion2AccessLog = R"sql(
CREATE TABLE access_log_journal(
  id INTEGER PRIMARY KEY, appended_ms INTEGER NOT NULL, line_count INTEGER NOT NULL, lines BLOB NOT NULL);
)sql";

// What a bucket holds is counted beside its name: objects of one bucket are written one after the other anyway.
constexpr const char* kVersion3Usage = R"sql(
ALTER TABLE buckets ADD COLUMN object_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE buckets ADD COLUMN object_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE buckets SET object_count=found.count, object_bytes=found.bytes
  FROM (SELECT bucket, count(*) AS count, sum(size) AS bytes FROM objects GROUP BY bucket) AS found
  WHERE buckets.id=found.bucket;
CREATE TRIGGER objects_count_up AFTER INSERT ON objects BEGIN
  UPDATE buckets SET object_count=object_count+1, object_bytes=object_bytes+new.size WHERE id=new.bucket; END;
CREATE TRIGGER objects_count_down AFTER DELETE ON objects BEGIN
  UPDATE buckets SET object_count=object_count-1, object_bytes=object_bytes-old.size WHERE id=old.bucket; END;
CREATE TRIGGER objects_count_change AFTER UPDATE OF bucket, size ON objects BEGIN
  UPDATE buckets SET object_count=object_count-1, object_bytes=object_bytes-old.size WHERE id=old.bucket;
  UPDATE buckets SET object_count=object_count+1, object_bytes=object_bytes+new.size WHERE id=new.bucket; END;
)sql";

// The time of a delivery counts from its event, or its last redrive (retry_since_ms). Who was refused for good is not
// tried again with the others. When the ledger mailed a key to somebody last is asked for each mail.
constexpr const char* kVersion4Delivery = R"sql(
ALTER TABLE outbox ADD COLUMN retry_since_ms INTEGER;
CREATE TABLE refusals(
  event INTEGER NOT NULL, recipient TEXT NOT NULL, kind TEXT NOT NULL, message TEXT NOT NULL, reply TEXT NOT NULL,
  PRIMARY KEY(event, recipient)) WITHOUT ROWID;
ALTER TABLE dead_letters ADD COLUMN removed_at_ms INTEGER;
CREATE INDEX dead_letters_by_removal ON dead_letters(removed_at_ms) WHERE removed_at_ms IS NOT NULL;
ALTER TABLE alarm_notifications ADD COLUMN removal_ms INTEGER;
CREATE INDEX ledger_by_key ON ledger(key, recipient, sent_ms);
)sql";

// Rows get their seals (row_seal.hpp), and the master key is recognised by one. In one transaction: where version 5 is,
// no row is good without its seal.
constexpr const char* kVersion5Columns = R"sql(
ALTER TABLE buckets ADD COLUMN seal BLOB;
ALTER TABLE objects ADD COLUMN seal BLOB;
ALTER TABLE bodies ADD COLUMN seal BLOB;
ALTER TABLE uploads ADD COLUMN seal BLOB;
ALTER TABLE lifecycle_rules ADD COLUMN seal BLOB;
ALTER TABLE access_log_journal ADD COLUMN seal BLOB;
)sql";
constexpr const char* kVersion5Seals =
    sql<"UPDATE buckets SET seal=row_seal('bucket', ", kBucketColumns, ");",
        "UPDATE objects SET seal=row_seal('object', ", kNameOfBucket, ", ", kObjectColumns, ");",
        "UPDATE bodies SET seal=row_seal('body', ", kBodyColumns, ");", "UPDATE uploads SET seal=row_seal('upload', ",
        kNameOfBucket, ", ", kUploadColumns, ");", "UPDATE lifecycle_rules SET seal=row_seal('rule', ", kRuleColumns,
        ");", "UPDATE access_log_journal SET seal=row_seal('journal', ", kJournalColumns, ");",
        "UPDATE meta SET value=row_seal('master key') WHERE name='key_check';">();

// From here on domains are kept in lower case, so that one address is one recipient (RFC 5321, 2.4). What was mailed to
// it under another spelling was mailed. The domain is what stands behind the last '@'.
constexpr SqlText kWithLowerDomain(
    " SET recipient=rtrim(recipient, replace(recipient, '@', ''))"
    " || lower(substr(recipient, length(rtrim(recipient, replace(recipient, '@', ''))) + 1))"
    " WHERE recipient GLOB '*[A-Z]*';");
constexpr const char* kVersion5Recipients =
    sql<"UPDATE OR IGNORE ledger", kWithLowerDomain, "UPDATE OR IGNORE refusals", kWithLowerDomain, "UPDATE attempts",
        kWithLowerDomain, "UPDATE dead_letters", kWithLowerDomain>();

constexpr std::array kVersion1Scripts = {kVersion1};
constexpr std::array kVersion2 = {kVersion2DeadLetters, kVersion2Trace, kVersion2Alarm, kVersion2Lifecycle,
                                  kVersion2AccessLog};
constexpr std::array kVersion3 = {kVersion3Usage};
constexpr std::array kVersion4 = {kVersion4Delivery};
constexpr std::array kVersion5 = {kVersion5Columns, kVersion5Seals, kVersion5Recipients};

// Entry n leads from version n to n + 1.
constexpr std::array<std::span<const char* const>, kSchemaVersion> kMigrations = {kVersion1Scripts, kVersion2,
                                                                                  kVersion3, kVersion4, kVersion5};

std::int64_t read_pragma(Connection& db, const char* sql) {
  Query query = db.query(sql);
  return query.next() ? query.integer(0) : 0;
}

bool is_in_log_mode(Connection& db) {
  Query mode = db.query("PRAGMA journal_mode");
  return mode.next() && mode.bytes(0) == "wal";
}

}  // namespace

Status prepare_schema(Connection& writer, std::int64_t wanted) {
  const std::int64_t application = read_pragma(writer, "PRAGMA application_id");
  const std::int64_t version = read_pragma(writer, "PRAGMA user_version");
  const std::int64_t tables = read_pragma(writer, "SELECT count(*) FROM sqlite_schema");
  if (!writer.ok()) return std::unexpected(writer.error());
  if (application != kApplicationId && (application != 0 || tables != 0))
    return fail(ErrorKind::conflict, "s3link.db is another program's database");
  if (version > kSchemaVersion) {
    return fail(ErrorKind::conflict, "s3link.db has schema version " + std::to_string(version) +
                                         ", made by a newer s3link; this one knows versions up to " +
                                         std::to_string(kSchemaVersion));
  }
  if (tables != 0 && !is_in_log_mode(writer)) {
    // A backup, put in place: what its folder holds beside it is looked through before the store is used.
    writer.run("INSERT OR REPLACE INTO meta VALUES(?1, 1)", kRestoredMark);
    if (!writer.ok()) return std::unexpected(writer.error());
  }
  {
    Query mode = writer.query("PRAGMA journal_mode=WAL");
    const std::string got = mode.next() ? mode.text(0) : "";
    if (!writer.ok()) return std::unexpected(writer.error());
    if (got != "wal") return fail(ErrorKind::internal, "the data folder's file system cannot hold a SQLite log (WAL)");
  }
  if (version == wanted) return {};

  writer.script("BEGIN IMMEDIATE");
  for (auto step = static_cast<std::size_t>(version); step < static_cast<std::size_t>(wanted); ++step) {
    for (const char* const script : kMigrations[step]) writer.script(script);
  }
  const std::string marks = "PRAGMA application_id=" + std::to_string(kApplicationId) +
                            "; PRAGMA user_version=" + std::to_string(wanted) + "; COMMIT";
  writer.script(marks.c_str());
  if (!writer.ok()) return std::unexpected(writer.error());
  return {};
}

}  // namespace s3link::sqlite_store
