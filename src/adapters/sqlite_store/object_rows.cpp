#include "adapters/sqlite_store/object_rows.hpp"

#include <algorithm>
#include <array>

#include "adapters/sqlite_store/headers_json.hpp"
#include "adapters/sqlite_store/lifecycle_rows.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::string_view kBadBodyRow = "a row of bodies is damaged";

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

}  // namespace

Result<std::int64_t> find_bucket(Connection& db, const s3::BucketName& bucket) {
  Query row = db.query("SELECT id FROM buckets WHERE name=?1", bucket.text());
  if (!row.next()) return fail(ErrorKind::not_found, "no such bucket: " + bucket.text(), "NoSuchBucket");
  return row.integer(0);
}

std::optional<ObjectRow> find_object(Connection& db, std::int64_t bucket, const s3::BucketName& name,
                                     const s3::ObjectKey& key, Instant now) {
  Query row = db.query(
      "SELECT number, body_set, size, etag, modified_ms, removed_at_ms, headers, checksum_algorithm, checksum_value,"
      " checksum_composite, sha256, parts, removal_rule FROM objects WHERE bucket=?1 AND key=?2"
      " AND (removed_at_ms IS NULL OR removed_at_ms>?3)",
      bucket, Blob{key.text()}, now);
  if (!row.next()) return std::nullopt;
  ObjectRow object{.info = {.bucket = name,
                            .key = key,
                            .size_bytes = row.count(2),
                            .etag = row.text(3),
                            .modified = row.instant(4),
                            .removed_at = row.maybe_instant(5),
                            .removal_rule = row.text(12),
                            .sequencer = event::sequencer_of(row.count(0)),
                            .headers = headers_from_json(row.bytes(6)),
                            .checksum = std::nullopt,
                            .sha256 = std::nullopt,
                            .part_sizes = {}},
                   .body_set = row.integer(1),
                   .multipart = row.integer(11) > 0};
  if (!row.null(7))
    object.info.checksum = {.algorithm = row.text(7), .value = row.text(8), .composite = row.integer(9) != 0};
  if (!row.null(10)) object.info.sha256 = row.text(10);
  return object;
}

std::vector<std::uint64_t> read_part_sizes(Connection& db, std::int64_t body_set) {
  std::vector<std::uint64_t> sizes;
  Query rows = db.query("SELECT size FROM bodies WHERE body_set=?1 ORDER BY part", body_set);
  while (rows.next()) sizes.push_back(rows.count(0));
  return sizes;
}

Result<std::unique_ptr<BodySet>> read_body_set(Connection& db, std::int64_t body_set) {
  auto set = std::make_unique<BodySet>();
  set->number = body_set;
  Query rows = db.query(
      "SELECT b.id, b.size, b.wrapped_key, b.small, s.sealed FROM bodies b LEFT JOIN small_bodies s ON s.id=b.small"
      " WHERE b.body_set=?1 ORDER BY b.part",
      body_set);
  while (rows.next()) {
    StoredBody body{.start = set->size_bytes,
                    .size_bytes = rows.count(1),
                    .wrapped_key = rows.text(2),
                    .in_file = rows.null(3),
                    .sealed = rows.text(4)};
    const std::string_view id = rows.bytes(0);
    if (id.size() != body.id.size()) return fail(ErrorKind::corrupt, std::string(kBadBodyRow));
    std::copy(id.begin(), id.end(), body.id.begin());
    set->size_bytes += body.size_bytes;
    set->bodies.push_back(std::move(body));
  }
  return set;
}

Status check_condition(const ports::WriteCondition& condition, const std::optional<ObjectRow>& present) {
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
  if (info.checksum) {
    algorithm = info.checksum->algorithm;
    value = info.checksum->value;
    composite = info.checksum->composite;
  }
  std::optional<Blob> sha256;
  if (info.sha256) sha256 = Blob{*info.sha256};
  transaction.db().run(
      "INSERT INTO objects(bucket, key, number, body_set, size, etag, modified_ms, removed_at_ms, headers,"
      " checksum_algorithm, checksum_value, checksum_composite, sha256, parts, removal_rule)"
      " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, nullif(?15, ''))",
      bucket, Blob{info.key.text()}, number, object.body_set, info.size_bytes, info.etag, info.modified,
      info.removed_at, headers, algorithm, value, composite, sha256, object.parts, info.removal_rule);
  if (object.event) insert_event(transaction, info, *object.event, number, default_region);
  return std::move(info);
}

Result<ports::ObjectInfo> put_object_in(WriteTransaction& transaction, ports::PutObject put, FinishedBody& content,
                                        Instant now, const std::string& default_region) {
  Connection& db = transaction.db();
  const auto bucket = find_bucket(db, put.bucket);
  if (!bucket) return std::unexpected(bucket.error());
  if (put.condition.if_none_exists || put.condition.if_match) {
    const auto met = check_condition(put.condition, find_object(db, *bucket, put.bucket, put.key, now));
    if (!met) return std::unexpected(met.error());
  }
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
  db.run(
      "INSERT INTO bodies(body_set, part, id, size, wrapped_key, small, md5, modified_ms, checksum_algorithm,"
      " checksum_value) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
      body_set, part, Blob{id_text(body.id)}, body.digests.size_bytes, Blob{body.wrapped_key}, small, md5, modified,
      algorithm, value);
}

void discard_body(WriteTransaction& transaction, std::int64_t body_set, unsigned part) {
  Connection& db = transaction.db();
  {
    Query row = db.query("SELECT id, small FROM bodies WHERE body_set=?1 AND part=?2", body_set, part);
    if (!row.next()) return;
    if (row.null(1)) {
      drop_file(transaction, body_set, row.bytes(0));
    } else {
      db.run("DELETE FROM small_bodies WHERE id=?1", row.integer(1));
    }
  }
  db.run("DELETE FROM bodies WHERE body_set=?1 AND part=?2", body_set, part);
}

void discard_body_set(WriteTransaction& transaction, std::int64_t body_set) {
  Connection& db = transaction.db();
  {
    Query rows = db.query("SELECT id, small FROM bodies WHERE body_set=?1", body_set);
    while (rows.next()) {
      if (rows.null(1)) {
        drop_file(transaction, body_set, rows.bytes(0));
      } else {
        db.run("DELETE FROM small_bodies WHERE id=?1", rows.integer(1));
      }
    }
  }
  db.run("DELETE FROM bodies WHERE body_set=?1", body_set);
}

bool remove_object(WriteTransaction& transaction, std::int64_t bucket, std::string_view key, Instant now) {
  Connection& db = transaction.db();
  std::int64_t body_set = 0;
  bool visible = false;
  {
    Query row = db.query("SELECT body_set, removed_at_ms FROM objects WHERE bucket=?1 AND key=?2", bucket, Blob{key});
    if (!row.next()) return false;
    body_set = row.integer(0);
    const auto removed_at = row.maybe_instant(1);
    visible = !removed_at || *removed_at > now;
  }
  discard_body_set(transaction, body_set);
  db.run("DELETE FROM objects WHERE bucket=?1 AND key=?2", bucket, Blob{key});
  return visible;
}

}  // namespace s3link::sqlite_store
