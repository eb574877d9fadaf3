#include "adapters/sqlite_store/quota.hpp"

namespace s3link::sqlite_store {
namespace {

std::unexpected<Error> exceeded(const char* setting, std::uint64_t limit) {
  return fail(ErrorKind::denied,
              "The bucket holds as much as it may (" + std::string(setting) + " = " + std::to_string(limit) +
                  "). Remove something, or wait until something is removed by its time.",
              "QuotaExceeded");
}

/// Of the object, or the part, that a body would replace.
std::optional<std::uint64_t> size_of_replaced(Connection& db, const ports::BucketStore::AnnouncedBody& body) {
  if (body.upload_id.empty()) {
    Query row = db.query("SELECT size FROM objects WHERE bucket=(SELECT id FROM buckets WHERE name=?1) AND key=?2",
                         body.bucket.text(), Blob{body.key.text()});
    return row.next() ? std::optional(row.count(0)) : std::nullopt;
  }
  Query row = db.query(
      "SELECT b.size FROM uploads u JOIN bodies b ON b.body_set=u.body_set"
      " WHERE u.bucket=(SELECT id FROM buckets WHERE name=?1) AND u.key=?2 AND u.upload_id=?3 AND b.part=?4",
      body.bucket.text(), Blob{body.key.text()}, body.upload_id, body.part);
  return row.next() ? std::optional(row.count(0)) : std::nullopt;
}

}  // namespace

BucketUsage read_usage(Connection& db, const BucketQuota& quota) {
  BucketUsage usage;
  {
    Query row = db.query("SELECT object_bytes, object_count FROM buckets WHERE name=?1", quota.bucket);
    if (!row.next()) return usage;
    usage = {.bytes = row.count(0), .objects = row.count(1)};
  }
  if (!quota.max_bytes) return usage;
  Query parts = db.query(
      "SELECT coalesce(sum(b.size), 0) FROM uploads u JOIN bodies b ON b.body_set=u.body_set"
      " WHERE u.bucket=(SELECT id FROM buckets WHERE name=?1)",
      quota.bucket);
  if (parts.next()) usage.bytes += parts.count(0);
  return usage;
}

Status check_growth(const BucketQuota& quota, const BucketUsage& before, const BucketUsage& after) {
  if (quota.max_objects && after.objects > *quota.max_objects && after.objects > before.objects)
    return exceeded("bucket.max_objects", *quota.max_objects);
  if (quota.max_bytes && after.bytes > *quota.max_bytes && after.bytes > before.bytes)
    return exceeded("bucket.max_bytes", *quota.max_bytes);
  return {};
}

Status check_announced(Connection& db, const BucketQuota& quota, const ports::BucketStore::AnnouncedBody& body) {
  if (!quota.limits(body.bucket)) return {};
  const BucketUsage before = read_usage(db, quota);
  const auto replaced = size_of_replaced(db, body);
  BucketUsage after = before;
  if (body.upload_id.empty() && !replaced) ++after.objects;
  after.bytes = after.bytes - replaced.value_or(0) + body.size_bytes;
  return check_growth(quota, before, after);
}

}  // namespace s3link::sqlite_store
