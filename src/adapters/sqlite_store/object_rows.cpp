#include "adapters/sqlite_store/object_rows.hpp"

#include <algorithm>
#include <array>

#include "adapters/sqlite_store/headers_json.hpp"
#include "adapters/sqlite_store/lifecycle_rows.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

std::unexpected<Error> damaged_object(const s3::BucketName& bucket, std::string_view key) {
  return damaged_row("the object " + bucket.text() + "/" + std::string(key));
}

std::unexpected<Error> damaged_body() { return damaged_row("the content"); }

/// Whether an object or an upload other than that one says that the bodies are its own. Looks through all of them: only
/// for what is damaged.
bool is_used_elsewhere(Connection& db, std::int64_t body_set, std::int64_t bucket, std::string_view key) {
  return db
      .query(
          "SELECT 1 FROM objects WHERE body_set=?1 AND NOT (bucket=?2 AND key=?3)"
          " UNION ALL SELECT 1 FROM uploads WHERE body_set=?1 LIMIT 1",
          body_set, bucket, Blob{key})
      .next();
}

void insert_event(WriteTransaction& transaction, const ports::ObjectInfo& object, const ports::EventOrigin& origin,
                  std::uint64_t number, const std::string& default_region) {
  const std::string json = event::build_notification({
      .event_name = origin.event_name,
      .time = object.modified,
      .region = origin.region.empty() ? default_region : origin.region,
      .principal = origin.principal,
      .source_ip = origin.source_ip,
      .request_id = origin.request_id,
      .bucket = object.bucket.text(),
      .key = object.key.text(),
      .size_bytes = object.size_bytes,
      .etag = object.etag,
      .version_id = "",
      .sequencer = object.sequencer,
  });
  transaction.db().run(
      "INSERT INTO outbox(id, event_json, bucket, key, created_ms, due_ms, trace) VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6)",
      number, json, object.bucket.text(), Blob{object.key.text()}, object.modified, origin.trace);
  transaction.added_outbox_entry();
}

void drop_file(WriteTransaction& transaction, std::int64_t body_set, std::string_view file) {
  transaction.db().run("INSERT INTO garbage(body_set, file) VALUES(?1, ?2)", body_set, Blob{file});
  transaction.added_garbage();
}

/// Of a row of `bodies`: columns `id`, `small`, whether it fits its seal.
void discard_content(WriteTransaction& transaction, std::int64_t body_set, const Query& body) {
  if (body.integer(2) == 0) return;
  if (body.null(1)) {
    drop_file(transaction, body_set, body.bytes(0));
  } else {
    transaction.db().run("DELETE FROM small_bodies WHERE id=?1", body.integer(1));
  }
}

}  // namespace

Result<std::int64_t> find_bucket(Connection& db, const s3::BucketName& bucket) {
  Query row = db.query("SELECT id FROM buckets WHERE name=?1", bucket.text());
  if (!row.next()) return fail(ErrorKind::not_found, "no such bucket: " + bucket.text(), "NoSuchBucket");
  return row.integer(0);
}

Result<std::optional<ObjectRow>> find_object(Connection& db, std::int64_t bucket, const s3::BucketName& name,
                                             const s3::ObjectKey& key, Instant now) {
  Query row =
      db.query(sql<"SELECT ", kObjectColumns, ", seal IS row_seal('object', ?4, ", kObjectColumns,
                   ") FROM objects WHERE bucket=?1 AND key=?2 AND (removed_at_ms IS NULL OR removed_at_ms>?3)">(),
               bucket, Blob{key.text()}, now, name.text());
  if (!row.next()) return std::nullopt;
  if (row.integer(15) == 0) return damaged_object(name, key.text());
  ObjectRow object{.info = {.bucket = name,
                            .key = key,
                            .size_bytes = row.count(4),
                            .etag = row.text(5),
                            .modified = row.instant(6),
                            .removed_at = row.maybe_instant(7),
                            .removal_rule = row.text(14),
                            .sequencer = event::sequencer_of(row.count(2)),
                            .headers = headers_from_json(row.bytes(8)),
                            .checksum = std::nullopt,
                            .sha256 = std::nullopt,
                            .part_sizes = {}},
                   .body_set = row.integer(3),
                   .parts = static_cast<std::size_t>(row.count(13))};
  if (!row.null(9))
    object.info.checksum = {.algorithm = row.text(9), .value = row.text(10), .composite = row.integer(11) != 0};
  if (!row.null(12)) object.info.sha256 = row.text(12);
  return object;
}

Status add_part_sizes(Connection& db, ObjectRow& object) {
  if (object.parts == 0) return {};
  auto& sizes = object.info.part_sizes;
  std::uint64_t total = 0;
  Query rows = db.query(
      sql<"SELECT size, seal IS row_seal('body', ", kBodyColumns, ") FROM bodies WHERE body_set=?1 ORDER BY part">(),
      object.body_set);
  while (rows.next()) {
    if (rows.integer(1) == 0) return damaged_object(object.info.bucket, object.info.key.text());
    sizes.push_back(rows.count(0));
    total += sizes.back();
  }
  if (db.ok() && (sizes.size() != object.parts || total != object.info.size_bytes))
    return damaged_object(object.info.bucket, object.info.key.text());
  return {};
}

Result<std::unique_ptr<BodySet>> read_body_set(Connection& db, std::int64_t body_set) {
  auto set = std::make_unique<BodySet>();
  set->number = body_set;
  Query rows = db.query(sql<"SELECT id, size, wrapped_key, small, (SELECT sealed FROM small_bodies WHERE"
                            " small_bodies.id=small), seal IS row_seal('body', ",
                            kBodyColumns, ") FROM bodies WHERE body_set=?1 ORDER BY part">(),
                        body_set);
  while (rows.next()) {
    if (rows.integer(5) == 0) return damaged_body();
    StoredBody body{.start = set->size_bytes,
                    .size_bytes = rows.count(1),
                    .wrapped_key = rows.text(2),
                    .in_file = rows.null(3),
                    .sealed = rows.text(4)};
    const std::string_view id = rows.bytes(0);
    if (id.size() != body.id.size()) return damaged_body();
    std::copy(id.begin(), id.end(), body.id.begin());
    set->size_bytes += body.size_bytes;
    set->bodies.push_back(std::move(body));
  }
  return set;
}

Status check_condition(Connection& db, const ports::WriteCondition& condition, std::int64_t bucket,
                       const s3::BucketName& name, const s3::ObjectKey& key, Instant now) {
  if (!condition.if_none_exists && !condition.if_match) return {};
  const auto found = find_object(db, bucket, name, key, now);
  if (!found) return std::unexpected(found.error());
  const std::optional<ObjectRow>& present = *found;
  const auto failed = [] {
    return fail(ErrorKind::conflict, "the object is not as the request's condition wants it", "PreconditionFailed");
  };
  if (condition.if_none_exists && present) return failed();
  if (!condition.if_match) return {};
  if (!present) return fail(ErrorKind::not_found, "no such object to match", "NoSuchKey");
  if (*condition.if_match != "*" && *condition.if_match != present->info.etag) return failed();
  return {};
}

ports::ObjectInfo store_object(WriteTransaction& transaction, std::int64_t bucket, NewObject object,
                               const std::string& default_region) {
  ports::ObjectInfo& info = object.info;
  const std::uint64_t number = transaction.take_number();
  info.sequencer = event::sequencer_of(number);
  remove_object(transaction, bucket, info.key.text(), info.modified);
  if (auto rule = find_expiration(transaction.db(), bucket, info.key.text())) {
    info.removed_at = info.modified + rule->after;
    info.removal_rule = std::move(rule->id);
  }
  const auto headers = headers_to_json(info.headers);
  std::optional<std::string> algorithm;
  std::optional<std::string> value;
  std::optional<bool> composite;
  std::optional<std::string> removal_rule;
  if (!info.removal_rule.empty()) removal_rule = info.removal_rule;
  if (info.checksum) {
    algorithm = info.checksum->algorithm;
    value = info.checksum->value;
    composite = info.checksum->composite;
  }
  std::optional<Blob> sha256;
  if (info.sha256) sha256 = Blob{*info.sha256};
  transaction.db().run(sql<"INSERT INTO objects(", kObjectColumns, ", seal) VALUES(", kObjectValues,
                           ", row_seal('object', ?16, ", kObjectValues, "))">(),
                       bucket, Blob{info.key.text()}, number, object.body_set, info.size_bytes, info.etag,
                       info.modified, info.removed_at, headers, algorithm, value, composite, sha256, object.parts,
                       removal_rule, info.bucket.text());
  if (object.event) insert_event(transaction, info, *object.event, number, default_region);
  return std::move(info);
}

Result<ports::ObjectInfo> put_object_in(WriteTransaction& transaction, ports::PutObject put, FinishedBody& content,
                                        Instant now, const std::string& default_region) {
  Connection& db = transaction.db();
  const auto bucket = find_bucket(db, put.bucket);
  if (!bucket) return std::unexpected(bucket.error());
  const auto met = check_condition(db, put.condition, *bucket, put.bucket, put.key, now);
  if (!met) return std::unexpected(met.error());
  const auto body_set = static_cast<std::int64_t>(transaction.take_number());
  insert_body(transaction, body_set, 1, content, std::nullopt);
  NewObject object{.info = {.bucket = std::move(put.bucket),
                            .key = std::move(put.key),
                            .size_bytes = content.digests.size_bytes,
                            .etag = hex_encode(content.digests.md5),
                            .modified = put.modified,
                            .removed_at = put.removed_at,
                            .removal_rule = {},
                            .sequencer = {},
                            .headers = std::move(put.headers),
                            .checksum = std::move(put.checksum),
                            .sha256 = content.digests.sha256,
                            .part_sizes = {}},
                   .body_set = body_set,
                   .parts = 0,
                   .event = std::move(put.event)};
  return store_object(transaction, *bucket, std::move(object), default_region);
}

void insert_body(WriteTransaction& transaction, std::int64_t body_set, unsigned part, FinishedBody& body,
                 const std::optional<ports::PartInfo>& about_part) {
  Connection& db = transaction.db();
  std::optional<std::int64_t> small;
  if (body.file) {
    transaction.join(*body.file);
  } else {
    small = static_cast<std::int64_t>(transaction.take_number());
    db.run("INSERT INTO small_bodies(id, sealed) VALUES(?1, ?2)", *small, Blob{body.sealed});
  }
  std::optional<Blob> md5;
  std::optional<Instant> modified;
  std::optional<std::string> algorithm;
  std::optional<std::string> value;
  if (about_part) {
    md5 = Blob{body.digests.md5};
    modified = about_part->modified;
    if (about_part->checksum) {
      algorithm = about_part->checksum->algorithm;
      value = about_part->checksum->value;
    }
  }
  db.run(sql<"INSERT INTO bodies(", kBodyColumns, ", seal) VALUES(", kBodyValues, ", row_seal('body', ", kBodyValues,
             "))">(),
         body_set, part, Blob{id_text(body.id)}, body.digests.size_bytes, Blob{body.wrapped_key}, small, md5, modified,
         algorithm, value);
}

void discard_body(WriteTransaction& transaction, std::int64_t body_set, unsigned part) {
  Connection& db = transaction.db();
  {
    Query row = db.query(sql<"SELECT id, small, seal IS row_seal('body', ", kBodyColumns,
                             ") FROM bodies WHERE body_set=?1 AND part=?2">(),
                         body_set, part);
    if (!row.next()) return;
    discard_content(transaction, body_set, row);
  }
  db.run("DELETE FROM bodies WHERE body_set=?1 AND part=?2", body_set, part);
}

void discard_body_set(WriteTransaction& transaction, std::int64_t body_set) {
  Connection& db = transaction.db();
  {
    Query rows =
        db.query(sql<"SELECT id, small, seal IS row_seal('body', ", kBodyColumns, ") FROM bodies WHERE body_set=?1">(),
                 body_set);
    while (rows.next()) discard_content(transaction, body_set, rows);
  }
  db.run("DELETE FROM bodies WHERE body_set=?1", body_set);
}

bool remove_object(WriteTransaction& transaction, std::int64_t bucket, std::string_view key, Instant now) {
  Connection& db = transaction.db();
  std::int64_t body_set = 0;
  bool visible = false;
  bool intact = false;
  {
    Query row = db.query(sql<"SELECT body_set, removed_at_ms, seal IS row_seal('object', ", kNameOfBucket, ", ",
                             kObjectColumns, ") FROM objects WHERE bucket=?1 AND key=?2">(),
                         bucket, Blob{key});
    if (!row.next()) return false;
    body_set = row.integer(0);
    const auto removed_at = row.maybe_instant(1);
    visible = !removed_at || *removed_at > now;
    intact = row.integer(2) != 0;
  }
  if (intact || !is_used_elsewhere(db, body_set, bucket, key)) discard_body_set(transaction, body_set);
  db.run("DELETE FROM objects WHERE bucket=?1 AND key=?2", bucket, Blob{key});
  return visible;
}

}  // namespace s3link::sqlite_store
