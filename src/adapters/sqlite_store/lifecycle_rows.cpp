#include "adapters/sqlite_store/lifecycle_rows.hpp"

#include <utility>
#include <vector>

#include "adapters/sqlite_store/object_rows.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "adapters/sqlite_store/upload_rows.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::days;

std::optional<days> maybe_days(const Query& row, int column) {
  if (row.null(column)) return std::nullopt;
  return days(row.integer(column));
}

std::optional<std::int64_t> count_of(const std::optional<days>& value) {
  if (!value) return std::nullopt;
  return value->count();
}

/// Where apply_lifecycle() goes on: after that key of `objects`, or after that upload of `uploads`.
struct Pending {
  bool objects_done = false;
  std::string key;
  std::string upload_id;
};

std::optional<Pending> read_pending(Connection& db, std::int64_t bucket) {
  Query row = db.query("SELECT objects_done, key, upload_id FROM lifecycle_pending WHERE bucket=?1", bucket);
  if (!row.next()) return std::nullopt;
  return Pending{.objects_done = row.integer(0) != 0, .key = row.text(1), .upload_id = row.text(2)};
}

void write_pending(Connection& db, std::int64_t bucket, const Pending& pending) {
  db.run("INSERT OR REPLACE INTO lifecycle_pending(bucket, objects_done, key, upload_id) VALUES(?1, ?2, ?3, ?4)",
         bucket, pending.objects_done, Blob{pending.key}, pending.upload_id);
}

void forget_pending(Connection& db, std::int64_t bucket) {
  db.run("DELETE FROM lifecycle_pending WHERE bucket=?1", bucket);
}

struct ObjectTimes {
  std::string key;
  Instant modified;
  std::optional<Instant> removed_at;
  std::string rule;
};

std::vector<ObjectTimes> read_objects(Connection& db, std::int64_t bucket, const std::string& after,
                                      std::size_t limit) {
  std::vector<ObjectTimes> objects;
  Query rows = db.query(
      "SELECT key, modified_ms, removed_at_ms, removal_rule FROM objects WHERE bucket=?1 AND key>?2 ORDER BY key"
      " LIMIT ?3",
      bucket, Blob{after}, limit);
  while (rows.next()) {
    objects.push_back(
        {.key = rows.text(0), .modified = rows.instant(1), .removed_at = rows.maybe_instant(2), .rule = rows.text(3)});
  }
  return objects;
}

void apply_to(Connection& db, std::int64_t bucket, const ObjectTimes& object, std::chrono::seconds otherwise,
              Instant now) {
  if (object.removed_at && *object.removed_at <= now) return;  // gone already, and to stay so
  const auto rule = find_expiration(db, bucket, object.key);
  if (!rule && object.rule.empty()) return;
  const Instant removed_at = rule ? object.modified + rule->after : object.modified + otherwise;
  const std::string id = rule ? rule->id : std::string();
  if (object.removed_at == removed_at && object.rule == id) return;
  db.run(
      sql<"UPDATE objects SET removed_at_ms=?3, removal_rule=nullif(?4, ''), seal=row_seal('object', ", kNameOfBucket,
          ", bucket, key, number, body_set, size, etag, modified_ms, ?3, headers, checksum_algorithm,"
          " checksum_value, checksum_composite, sha256, parts, nullif(?4, ''))"
          " WHERE bucket=?1 AND key=?2 AND seal IS row_seal('object', ",
          kNameOfBucket, ", ", kObjectColumns, ")">(),
      bucket, Blob{object.key}, removed_at, id);
}

struct UploadTimes {
  std::string key;
  std::string upload_id;
  Instant initiated;
};

std::vector<UploadTimes> read_uploads(Connection& db, std::int64_t bucket, const Pending& after, std::size_t limit) {
  std::vector<UploadTimes> uploads;
  Query rows = db.query(
      "SELECT key, upload_id, initiated_ms FROM uploads WHERE bucket=?1 AND (key, upload_id)>(?2, ?3)"
      " ORDER BY key, upload_id LIMIT ?4",
      bucket, Blob{after.key}, after.upload_id, limit);
  while (rows.next()) {
    uploads.push_back({.key = rows.text(0), .upload_id = rows.text(1), .initiated = rows.instant(2)});
  }
  return uploads;
}

}  // namespace

Result<s3::LifecycleRules> read_lifecycle(Connection& db, std::int64_t bucket) {
  s3::LifecycleRules rules;
  Query rows = db.query(
      sql<"SELECT id, enabled, prefix, prefix_in_filter, expiration_days, abort_days, seal IS row_seal('rule', ",
          kRuleColumns, ") FROM lifecycle_rules WHERE bucket=?1 ORDER BY position">(),
      bucket);
  while (rows.next()) {
    if (rows.integer(6) == 0) return damaged_row("the lifecycle rule " + rows.text(0));
    rules.push_back({.id = rows.text(0),
                     .enabled = rows.integer(1) != 0,
                     .prefix = rows.text(2),
                     .prefix_in_filter = rows.integer(3) != 0,
                     .expiration = maybe_days(rows, 4),
                     .abort_upload = maybe_days(rows, 5)});
  }
  return rules;
}

void write_lifecycle(Connection& db, std::int64_t bucket, const s3::LifecycleRules& rules) {
  forget_lifecycle(db, bucket);
  std::size_t position = 0;
  for (const s3::LifecycleRule& rule : rules) {
    db.run(sql<"INSERT INTO lifecycle_rules(", kRuleColumns, ", seal) VALUES(", kRuleValues, ", row_seal('rule', ",
               kRuleValues, "))">(),
           bucket, position++, rule.id, rule.enabled, Blob{rule.prefix}, rule.prefix_in_filter,
           count_of(rule.expiration), count_of(rule.abort_upload));
  }
  write_pending(db, bucket, {});
}

void forget_lifecycle(Connection& db, std::int64_t bucket) {
  db.run("DELETE FROM lifecycle_rules WHERE bucket=?1", bucket);
  forget_pending(db, bucket);
}

std::optional<ExpirationRule> find_expiration(Connection& db, std::int64_t bucket, std::string_view key) {
  Query row = db.query(
      "SELECT id, expiration_days FROM lifecycle_rules WHERE bucket=?1 AND enabled AND expiration_days IS NOT NULL"
      " AND substr(?2, 1, length(prefix))=prefix ORDER BY expiration_days, position LIMIT 1",
      bucket, Blob{key});
  if (!row.next()) return std::nullopt;
  return ExpirationRule{.id = row.text(0), .after = days(row.integer(1))};
}

days find_upload_age(Connection& db, std::int64_t bucket, std::string_view key) {
  Query row = db.query(
      "SELECT min(abort_days) FROM lifecycle_rules WHERE bucket=?1 AND enabled"
      " AND substr(?2, 1, length(prefix))=prefix",
      bucket, Blob{key});
  if (!row.next()) return s3::kIncompleteUploadAge;
  return maybe_days(row, 0).value_or(s3::kIncompleteUploadAge);
}

bool apply_lifecycle(Connection& db, std::int64_t bucket, std::chrono::seconds otherwise, Instant now,
                     std::size_t limit) {
  const auto pending = read_pending(db, bucket);
  if (!pending) return false;
  if (!pending->objects_done) {
    const auto objects = read_objects(db, bucket, pending->key, limit);
    for (const ObjectTimes& object : objects) apply_to(db, bucket, object, otherwise, now);
    const bool last = objects.size() < limit;
    write_pending(db, bucket,
                  {.objects_done = last, .key = last ? std::string() : objects.back().key, .upload_id = {}});
    return true;
  }
  const auto uploads = read_uploads(db, bucket, *pending, limit);
  for (const UploadTimes& upload : uploads) {
    db.run(sql<"UPDATE uploads SET abort_at_ms=?4, seal=row_seal('upload', ", kNameOfBucket,
               ", bucket, key, upload_id, body_set, initiated_ms, headers, checksum_algorithm, checksum_composite, ?4)"
               " WHERE bucket=?1 AND key=?2 AND upload_id=?3 AND seal IS row_seal('upload', ",
               kNameOfBucket, ", ", kUploadColumns, ")">(),
           bucket, Blob{upload.key}, upload.upload_id, upload.initiated + find_upload_age(db, bucket, upload.key));
  }
  if (uploads.size() < limit) {
    forget_pending(db, bucket);
    return false;
  }
  write_pending(db, bucket, {.objects_done = true, .key = uploads.back().key, .upload_id = uploads.back().upload_id});
  return true;
}

std::size_t abort_old_uploads(WriteTransaction& transaction, Instant now, std::size_t limit) {
  struct Upload {
    std::int64_t bucket = 0;
    std::string key;
    std::string upload_id;
  };
  Connection& db = transaction.db();
  std::vector<Upload> old;
  {
    Query rows = db.query(
        "SELECT bucket, key, upload_id FROM uploads WHERE abort_at_ms<=?1 ORDER BY abort_at_ms LIMIT ?2", now, limit);
    while (rows.next()) old.push_back({.bucket = rows.integer(0), .key = rows.text(1), .upload_id = rows.text(2)});
  }
  for (const Upload& upload : old) discard_upload(transaction, upload.bucket, upload.key, upload.upload_id);
  return old.size();
}

}  // namespace s3link::sqlite_store
