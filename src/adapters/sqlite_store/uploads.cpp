// The multipart half of SqliteBucketStore.
#include <utility>

#include "adapters/sqlite_store/bucket_store.hpp"
#include "adapters/sqlite_store/counters.hpp"
#include "adapters/sqlite_store/headers_json.hpp"
#include "adapters/sqlite_store/lifecycle_rows.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "adapters/sqlite_store/upload_rows.hpp"
#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::size_t kMostParts = 10'000;

std::string make_upload_id() {
  BodyId random;
  fill_random(random);
  return hex_encode(id_text(random));
}

/// The object a completion made, when it was committed before and the object is still there.
Result<std::optional<ports::ObjectInfo>> find_completed(Connection& db, std::int64_t bucket,
                                                        const ports::CompleteUpload& complete, Instant now) {
  std::uint64_t number = 0;
  {
    Query row = db.query("SELECT number FROM completed_uploads WHERE upload_id=?1 AND bucket=?2 AND key=?3",
                         complete.upload_id, bucket, Blob{complete.key.text()});
    if (!row.next()) return std::nullopt;
    number = row.count(0);
  }
  auto found = find_object(db, bucket, complete.bucket, complete.key, now);
  if (!found) return std::unexpected(found.error());
  std::optional<ObjectRow>& object = *found;
  if (!object || object->info.sequencer != event::sequencer_of(number)) return std::nullopt;
  if (const Status sized = add_part_sizes(db, *object); !sized) return std::unexpected(sized.error());
  return std::move(object->info);
}

Result<ports::ObjectInfo> complete_in(WriteTransaction& transaction, ports::CompleteUpload complete, Instant now,
                                      const StoreContext& context) {
  Connection& db = transaction.db();
  const auto bucket = find_bucket(db, complete.bucket);
  if (!bucket) return std::unexpected(bucket.error());
  auto done = find_completed(db, *bucket, complete, now);
  if (!done) return std::unexpected(done.error());
  if (*done) return std::move(**done);
  if (complete.event) {
    if (auto room = check_outbox_room(db, context.max_pending); !room) return std::unexpected(room.error());
  }

  auto upload = find_upload(db, *bucket, complete.key, complete.upload_id);
  if (!upload) return std::unexpected(upload.error());
  const auto parts = read_parts(db, upload->body_set, 0, kMostParts);
  if (!parts) return std::unexpected(parts.error());
  auto chosen = choose_parts(*parts, complete.parts);
  if (!chosen) return std::unexpected(chosen.error());
  const auto met = check_condition(db, complete.condition, *bucket, complete.bucket, complete.key, now);
  if (!met) return std::unexpected(met.error());

  for (const unsigned part : chosen->left_over) discard_body(transaction, upload->body_set, part);
  delete_upload_row(db, *bucket, complete.key, complete.upload_id);
  NewObject object{.info = {.bucket = std::move(complete.bucket),
                            .key = std::move(complete.key),
                            .size_bytes = chosen->size_bytes,
                            .etag = std::move(chosen->etag),
                            .modified = complete.modified,
                            .removed_at = complete.removed_at,
                            .removal_rule = {},
                            .sequencer = {},
                            .headers = std::move(upload->info.headers),
                            .checksum = std::move(complete.checksum),
                            .sha256 = std::nullopt,
                            .part_sizes = std::move(chosen->sizes)},
                   .body_set = upload->body_set,
                   .parts = complete.parts.size(),
                   .event = std::move(complete.event)};
  ports::ObjectInfo info = store_object(transaction, *bucket, std::move(object), context.region);
  db.run(
      "INSERT INTO completed_uploads(number, upload_id, bucket, key, completed_ms)"
      " SELECT number, ?3, bucket, key, ?4 FROM objects WHERE bucket=?1 AND key=?2",
      *bucket, Blob{info.key.text()}, complete.upload_id, complete.modified);
  return info;
}

}  // namespace

Awaitable<Result<ports::UploadInfo>> SqliteBucketStore::create_upload(s3::BucketName bucket, ports::UploadInfo upload) {
  if (upload.upload_id.empty()) upload.upload_id = make_upload_id();
  co_return co_await context_.queue.submit([bucket = std::move(bucket), upload = std::move(upload)](
                                               WriteTransaction& transaction) mutable -> Result<ports::UploadInfo> {
    Connection& db = transaction.db();
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    db.run(sql<"INSERT INTO uploads(", kUploadColumns, ", seal) VALUES(", kUploadValues, ", row_seal('upload', ?10, ",
               kUploadValues, "))">(),
           *id, Blob{upload.key.text()}, upload.upload_id, transaction.take_number(), upload.initiated,
           headers_to_json(upload.headers), upload.checksum_algorithm, upload.checksum_composite,
           upload.initiated + find_upload_age(db, *id, upload.key.text()), bucket.text());
    return std::move(upload);
  });
}

Awaitable<Result<ports::PartInfo>> SqliteBucketStore::put_part(s3::BucketName bucket, s3::ObjectKey key,
                                                               std::string upload_id, unsigned number,
                                                               std::optional<ports::ObjectChecksum> checksum,
                                                               Instant modified,
                                                               std::unique_ptr<ports::BodyWriter> body) {
  auto taken = take_body(body.get());
  if (!taken) co_return std::unexpected(taken.error());
  ports::PartInfo part{.number = number,
                       .size_bytes = taken->digests.size_bytes,
                       .etag = hex_encode(taken->digests.md5),
                       .modified = modified,
                       .checksum = std::move(checksum)};
  co_return co_await context_.queue.submit(
      [bucket = std::move(bucket), key = std::move(key), upload_id = std::move(upload_id), part = std::move(part),
       content = std::move(*taken),
       quota = &context_.quota](WriteTransaction& transaction) mutable -> Result<ports::PartInfo> {
        const auto id = find_bucket(transaction.db(), bucket);
        if (!id) return std::unexpected(id.error());
        const auto upload = find_upload(transaction.db(), *id, key, upload_id);
        if (!upload) return std::unexpected(upload.error());
        return within_quota(transaction, *quota, bucket, [&]() -> Result<ports::PartInfo> {
          discard_body(transaction, upload->body_set, part.number);
          insert_body(transaction, upload->body_set, part.number, content, part);
          return std::move(part);
        });
      });
}

Awaitable<Result<ports::UploadInfo>> SqliteBucketStore::head_upload(s3::BucketName bucket, s3::ObjectKey key,
                                                                    std::string upload_id) {
  co_return context_.readers.read([&](Connection& db) -> Result<ports::UploadInfo> {
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    auto upload = find_upload(db, *id, key, upload_id);
    if (!upload) return std::unexpected(upload.error());
    return std::move(upload->info);
  });
}

Awaitable<Result<std::vector<ports::PartInfo>>> SqliteBucketStore::list_parts(s3::BucketName bucket, s3::ObjectKey key,
                                                                              std::string upload_id, unsigned after,
                                                                              std::size_t max_parts) {
  co_return context_.readers.read([&](Connection& db) -> Result<std::vector<ports::PartInfo>> {
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    const auto upload = find_upload(db, *id, key, upload_id);
    if (!upload) return std::unexpected(upload.error());
    return read_parts(db, upload->body_set, after, max_parts);
  });
}

Awaitable<Result<ports::ObjectInfo>> SqliteBucketStore::complete_upload(ports::CompleteUpload complete) {
  co_return co_await context_.queue.submit([complete = std::move(complete), now = context_.now(),
                                            &context = context_](WriteTransaction& transaction) mutable {
    const s3::BucketName bucket = complete.bucket;
    return within_quota(transaction, context.quota, bucket,
                        [&] { return complete_in(transaction, std::move(complete), now, context); });
  });
}

Awaitable<Status> SqliteBucketStore::abort_upload(s3::BucketName bucket, s3::ObjectKey key, std::string upload_id) {
  co_return co_await context_.queue.submit([bucket = std::move(bucket), key = std::move(key),
                                            upload_id = std::move(upload_id)](WriteTransaction& transaction) -> Status {
    Connection& db = transaction.db();
    const auto id = find_bucket(db, bucket);
    if (!id) return std::unexpected(id.error());
    const auto upload = find_upload(db, *id, key, upload_id);
    if (!upload && upload.error().kind != ErrorKind::corrupt) return std::unexpected(upload.error());
    discard_upload(transaction, *id, key.text(), upload_id);
    return {};
  });
}

}  // namespace s3link::sqlite_store
