#include "adapters/sqlite_store/bucket_store.hpp"

#include <algorithm>
#include <utility>

#include "adapters/sqlite_store/body_reader.hpp"
#include "adapters/sqlite_store/counters.hpp"
#include "adapters/sqlite_store/lifecycle_rows.hpp"
#include "adapters/sqlite_store/listing.hpp"
#include "adapters/sqlite_store/retention.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "adapters/sqlite_store/upload_rows.hpp"
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

std::unexpected<Error> no_such_key() { return fail(ErrorKind::not_found, "no such object", "NoSuchKey"); }

}  // namespace

Awaitable<Result<std::vector<ports::BucketInfo>>> SqliteBucketStore::list_buckets() {
  co_return context_.readers.read([](Connection& db) -> Result<std::vector<ports::BucketInfo>> {
    std::vector<ports::BucketInfo> buckets;
    Query rows = db.query(
        sql<"SELECT name, created_ms, seal IS row_seal('bucket', ", kBucketColumns, ") FROM buckets ORDER BY name">());
    while (rows.next()) {
      const auto name = s3::BucketName::parse(rows.bytes(0));
      if (!name || rows.integer(2) == 0) return damaged_row("the bucket " + rows.text(0));
      buckets.push_back({.name = *name, .created = rows.instant(1)});
    }
    return buckets;
  });
}

Awaitable<Result<ports::BucketInfo>> SqliteBucketStore::head_bucket(s3::BucketName bucket) {
  co_return context_.readers.read([&](Connection& db) -> Result<ports::BucketInfo> {
    Query row = db.query(
        sql<"SELECT created_ms, seal IS row_seal('bucket', ", kBucketColumns, ") FROM buckets WHERE name=?1">(),
        bucket.text());
    if (!row.next()) return fail(ErrorKind::not_found, "no such bucket: " + bucket.text(), "NoSuchBucket");
    if (row.integer(1) == 0) return damaged_row("the bucket " + bucket.text());
    return ports::BucketInfo{.name = bucket, .created = row.instant(0)};
  });
}

Awaitable<Status> SqliteBucketStore::create_bucket(s3::BucketName bucket, Instant created) {
  co_return co_await context_.queue.submit([bucket = std::move(bucket),
                                            created](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    if (find_bucket(db, bucket))
      return fail(ErrorKind::conflict, "the bucket exists already", "BucketAlreadyOwnedByYou");
    db.run(sql<"INSERT INTO buckets(", kBucketColumns, ", seal) VALUES(?1, ?2, ?3, row_seal('bucket', ?1, ?2, ?3))">(),
           transaction.take_number(), bucket.text(), created);
    return {};
  });
}

Awaitable<Status> SqliteBucketStore::delete_bucket(s3::BucketName bucket) {
  const Instant now = context_.now();
  co_return co_await context_.queue.submit([bucket = std::move(bucket), now](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    const bool empty = remove_expired_of_bucket(transaction, *id, now);
    if (!empty) return fail(ErrorKind::conflict, "the bucket is not empty", "BucketNotEmpty");
    discard_uploads(transaction, *id);
    forget_lifecycle(db, *id);
    db.run("DELETE FROM buckets WHERE id=?1", *id);
    return {};
  });
}

Awaitable<Result<std::unique_ptr<ports::BodyWriter>>> SqliteBucketStore::create_body(
    std::optional<std::uint64_t> expected_bytes) {
  if (context_.health.refusing()) co_return std::unexpected(context_.health.refusal());
  if (const auto room = context_.health.room_for(expected_bytes.value_or(0)); !room)
    co_return std::unexpected(room.error());
  co_return std::make_unique<StoredBodyWriter>(context_.files, context_.keys, context_.pool, expected_bytes);
}

Awaitable<Status> SqliteBucketStore::check_quota(AnnouncedBody body) {
  if (!context_.quota.limits(body.bucket)) co_return Status{};
  co_return context_.readers.read([&](Connection& db) { return check_announced(db, context_.quota, body); });
}

Awaitable<Result<ports::ObjectInfo>> SqliteBucketStore::put_object(ports::PutObject put,
                                                                   std::unique_ptr<ports::BodyWriter> body) {
  auto taken = take_body(body.get());
  if (!taken) co_return std::unexpected(taken.error());
  co_return co_await context_.queue.submit(
      [put = std::move(put), content = std::move(*taken), now = context_.now(),
       &context = context_](WriteTransaction& transaction) mutable -> Result<ports::ObjectInfo> {
        if (put.event) {
          if (auto room = check_outbox_room(transaction.db(), context.max_pending); !room)
            return std::unexpected(room.error());
        }
        const s3::BucketName bucket = put.bucket;
        return within_quota(transaction, context.quota, bucket,
                            [&] { return put_object_in(transaction, std::move(put), content, now, context.region); });
      });
}

Awaitable<Result<ports::ObjectInfo>> SqliteBucketStore::head_object(s3::BucketName bucket, s3::ObjectKey key) {
  co_return context_.readers.read([&](Connection& db) -> Result<ports::ObjectInfo> {
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    auto found = find_object(db, *id, bucket, key, context_.now());
    if (!found) return std::unexpected(found.error());
    std::optional<ObjectRow>& object = *found;
    if (!object) return no_such_key();
    if (const Status sized = add_part_sizes(db, *object); !sized) return std::unexpected(sized.error());
    return std::move(object->info);
  });
}

Result<SqliteBucketStore::Found> SqliteBucketStore::find_and_hold(const s3::BucketName& bucket,
                                                                  const s3::ObjectKey& key) {
  const auto find = [&](Connection& db, std::int64_t body_set, bool with_bodies) -> Result<Found> {
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    auto row = find_object(db, *id, bucket, key, context_.now());
    if (!row) return std::unexpected(row.error());
    std::optional<ObjectRow>& object = *row;
    if (!object) return no_such_key();
    if (const Status sized = add_part_sizes(db, *object); !sized) return std::unexpected(sized.error());
    Found found{.info = std::move(object->info), .set = nullptr};
    if (!with_bodies) {
      if (object->body_set != body_set) return no_such_key();
      return found;
    }
    found.set = context_.sets.find(object->body_set);
    if (found.set) return found;
    auto set = read_body_set(db, object->body_set);
    if (!set) return std::unexpected(set.error());
    found.set = context_.sets.add(std::move(*set));
    return found;
  };

  // A set that is held keeps its files, if they were still there when it was taken: so the row is looked at again. When
  // it has changed meanwhile, the new one is taken.
  for (int attempt = 0; attempt < 20; ++attempt) {
    auto found = context_.readers.read([&](Connection& db) { return find(db, 0, true); });
    if (!found) return found;
    if (found->info.size_bytes != found->set->size_bytes)
      return damaged_row("the object " + bucket.text() + "/" + key.text());
    const bool in_files = std::ranges::any_of(found->set->bodies, &StoredBody::in_file);
    if (!in_files) return found;
    const auto again = context_.readers.read([&](Connection& db) { return find(db, found->set->number, false); });
    if (again) return found;
    if (again.error().kind != ErrorKind::not_found) return std::unexpected(again.error());
  }
  return fail(ErrorKind::transient, "the object is replaced faster than it can be opened", "SlowDown");
}

Awaitable<Result<ports::BucketStore::OpenObject>> SqliteBucketStore::open_object(s3::BucketName bucket,
                                                                                 s3::ObjectKey key) {
  auto found = find_and_hold(bucket, key);
  if (!found) co_return std::unexpected(found.error());
  auto body = std::make_unique<StoredBodyReader>(std::move(found->set), context_.files, context_.keys, context_.pool);
  co_return OpenObject{.info = std::move(found->info), .body = std::move(body)};
}

Awaitable<Result<std::string>> SqliteBucketStore::object_sha256(s3::BucketName bucket, s3::ObjectKey key,
                                                                std::string sequencer) {
  auto found = find_and_hold(bucket, key);
  if (!found) co_return std::unexpected(found.error());
  if (found->info.sequencer != sequencer) co_return no_such_key();
  if (found->info.sha256) co_return std::move(*found->info.sha256);
  auto computed = co_await digest(std::move(found->set));
  if (!computed) co_return computed;
  const auto kept = co_await context_.queue.submit([bucket = std::move(bucket), key = std::move(key),
                                                    sequencer = std::move(sequencer), sha256 = *computed,
                                                    now = context_.now()](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    const auto object = find_object(db, *id, bucket, key, now);
    if (!object) return std::unexpected(object.error());
    if (!*object || (*object)->info.sequencer != sequencer) return no_such_key();
    db.run(
        "UPDATE objects SET sha256=?3, seal=row_seal('object', ?4, bucket, key, number, body_set, size, etag,"
        " modified_ms, removed_at_ms, headers, checksum_algorithm, checksum_value, checksum_composite, ?3, parts,"
        " removal_rule) WHERE bucket=?1 AND key=?2",
        *id, Blob{key.text()}, Blob{sha256}, bucket.text());
    return {};
  });
  if (!kept) co_return std::unexpected(kept.error());
  co_return computed;
}

Awaitable<Result<std::string>> SqliteBucketStore::digest(OpenBodySets::Shared set) {
  // A few pieces at a time, so that one large object does not keep a thread of the pool from the uploads.
  constexpr std::size_t kBytesAtATime = 16 * StoredBodyReader::kMostBytes;
  struct Progress {
    StoredBodyReader reader;
    Digest sha256{DigestAlgorithm::sha256};
    std::vector<std::byte> piece = std::vector<std::byte>(StoredBodyReader::kMostBytes);
    std::uint64_t offset = 0;
  };
  const std::uint64_t size = set->size_bytes;
  Progress progress{.reader = StoredBodyReader(std::move(set), context_.files, context_.keys, context_.pool)};
  while (progress.offset < size) {
    const Status read = co_await context_.pool.run([&progress, size]() -> Status {
      const std::uint64_t stop = std::min<std::uint64_t>(size, progress.offset + kBytesAtATime);
      while (progress.offset < stop) {
        const auto got = progress.reader.read_and_wait(progress.offset, progress.piece);
        if (!got) return std::unexpected(got.error());
        progress.sha256.update(std::span(progress.piece).first(*got));
        progress.offset += *got;
      }
      return {};
    });
    if (!read) co_return std::unexpected(read.error());
  }
  co_return progress.sha256.finish();
}

Awaitable<Result<std::vector<ports::BucketStore::DeleteOutcome>>> SqliteBucketStore::delete_objects(
    s3::BucketName bucket, std::vector<s3::ObjectKey> keys) {
  co_return co_await context_.queue.submit(
      [bucket = std::move(bucket), keys = std::move(keys),
       now = context_.now()](WriteTransaction& transaction) mutable -> Result<std::vector<DeleteOutcome>> {
        const auto id = find_bucket(transaction.db(), bucket);
        if (!id) return std::unexpected(id.error());
        std::vector<DeleteOutcome> outcomes;
        for (s3::ObjectKey& key : keys) {
          const bool existed = remove_object(transaction, *id, key.text(), now);
          outcomes.push_back({.key = std::move(key), .existed = existed});
        }
        return outcomes;
      });
}

Awaitable<Result<ports::ListPage>> SqliteBucketStore::list_objects(ports::ListRequest request) {
  co_return context_.readers.read([&](Connection& db) -> Result<ports::ListPage> {
    const auto id = find_bucket(db, request.bucket);
    if (!id) return std::unexpected(id.error());
    return sqlite_store::list_objects(db, *id, request, context_.now());
  });
}

Awaitable<Result<ports::UploadsPage>> SqliteBucketStore::list_uploads(ports::ListUploadsRequest request) {
  co_return context_.readers.read([&](Connection& db) -> Result<ports::UploadsPage> {
    const auto id = find_bucket(db, request.bucket);
    if (!id) return std::unexpected(id.error());
    return sqlite_store::list_uploads(db, *id, request);
  });
}

Awaitable<Result<std::size_t>> SqliteBucketStore::remove_expired(Instant now, std::size_t limit) {
  const auto removed =
      co_await context_.queue.submit([now, limit](WriteTransaction& transaction) -> Result<std::size_t> {
        prune_history(transaction, now);
        return remove_expired_objects(transaction, now, limit);
      });
  if (!removed || *removed == 0) co_return removed;
  const Status cleaned = co_await context_.pool.run([this] { return context_.cleaner.pass(); });
  if (!cleaned) co_return std::unexpected(cleaned.error());
  co_return removed;
}

Awaitable<Result<std::optional<Instant>>> SqliteBucketStore::next_removal() {
  co_return context_.readers.read([](Connection& db) -> Result<std::optional<Instant>> {
    Query row =
        db.query("SELECT removed_at_ms FROM objects WHERE removed_at_ms IS NOT NULL ORDER BY removed_at_ms LIMIT 1");
    if (!row.next()) return std::nullopt;
    return row.instant(0);
  });
}

Status SqliteBucketStore::writable() const { return context_.health.writable(); }

}  // namespace s3link::sqlite_store
