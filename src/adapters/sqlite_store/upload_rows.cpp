#include "adapters/sqlite_store/upload_rows.hpp"

#include <utility>

#include "adapters/sqlite_store/headers_json.hpp"
#include "adapters/sqlite_store/object_rows.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sqlite_store {
namespace {

/// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
constexpr std::uint64_t kSmallestPart = 5ULL * 1024 * 1024;

std::unexpected<Error> invalid_part(unsigned number) {
  return fail(ErrorKind::invalid_argument,
              "part " + std::to_string(number) + " is not there, or was uploaded with another ETag or checksum",
              "InvalidPart");
}

}  // namespace

Result<UploadRow> find_upload(Connection& db, std::int64_t bucket, const s3::ObjectKey& key,
                              const std::string& upload_id) {
  Query row = db.query(
      sql<"SELECT body_set, initiated_ms, headers, checksum_algorithm, checksum_composite, seal IS row_seal('upload', ",
          kNameOfBucket, ", ", kUploadColumns, ") FROM uploads WHERE bucket=?1 AND key=?2 AND upload_id=?3">(),
      bucket, Blob{key.text()}, upload_id);
  if (!row.next()) return fail(ErrorKind::not_found, "no such upload", "NoSuchUpload");
  if (row.integer(5) == 0) return damaged_row("the upload " + upload_id + " of " + key.text());
  return UploadRow{.info = {.upload_id = upload_id,
                            .key = key,
                            .initiated = row.instant(1),
                            .headers = headers_from_json(row.bytes(2)),
                            .checksum_algorithm = row.text(3),
                            .checksum_composite = row.integer(4) != 0},
                   .body_set = row.integer(0)};
}

Result<std::vector<ports::PartInfo>> read_parts(Connection& db, std::int64_t body_set, unsigned after,
                                                std::size_t most) {
  std::vector<ports::PartInfo> parts;
  Query rows =
      db.query(sql<"SELECT part, size, md5, modified_ms, checksum_algorithm, checksum_value, seal IS row_seal('body', ",
                   kBodyColumns, ") FROM bodies WHERE body_set=?1 AND part>?2 ORDER BY part LIMIT ?3">(),
               body_set, after, most);
  while (rows.next()) {
    if (rows.integer(6) == 0) return damaged_row("part " + std::to_string(rows.integer(0)) + " of an upload");
    ports::PartInfo part{.number = static_cast<unsigned>(rows.integer(0)),
                         .size_bytes = rows.count(1),
                         .etag = hex_encode(rows.bytes(2)),
                         .modified = rows.instant(3),
                         .checksum = std::nullopt};
    if (!rows.null(4)) part.checksum = {.algorithm = rows.text(4), .value = rows.text(5), .composite = false};
    parts.push_back(std::move(part));
  }
  return parts;
}

void delete_upload_row(Connection& db, std::int64_t bucket, const s3::ObjectKey& key, const std::string& upload_id) {
  db.run("DELETE FROM uploads WHERE bucket=?1 AND key=?2 AND upload_id=?3", bucket, Blob{key.text()}, upload_id);
}

void discard_upload(WriteTransaction& transaction, std::int64_t bucket, std::string_view key,
                    std::string_view upload_id) {
  Connection& db = transaction.db();
  std::optional<std::int64_t> body_set;
  {
    Query row = db.query(sql<"SELECT body_set FROM uploads WHERE bucket=?1 AND key=?2 AND upload_id=?3"
                             " AND seal IS row_seal('upload', ",
                             kNameOfBucket, ", ", kUploadColumns, ")">(),
                         bucket, Blob{key}, upload_id);
    if (row.next()) body_set = row.integer(0);
  }
  if (body_set) discard_body_set(transaction, *body_set);
  db.run("DELETE FROM uploads WHERE bucket=?1 AND key=?2 AND upload_id=?3", bucket, Blob{key}, upload_id);
}

void discard_uploads(WriteTransaction& transaction, std::int64_t bucket) {
  std::vector<std::pair<std::string, std::string>> uploads;
  {
    Query rows = transaction.db().query("SELECT key, upload_id FROM uploads WHERE bucket=?1", bucket);
    while (rows.next()) uploads.emplace_back(rows.text(0), rows.text(1));
  }
  for (const auto& [key, upload_id] : uploads) discard_upload(transaction, bucket, key, upload_id);
}

Result<ChosenParts> choose_parts(const std::vector<ports::PartInfo>& stored,
                                 const std::vector<ports::CompletePart>& named) {
  if (named.empty()) return fail(ErrorKind::invalid_argument, "a completion must name a part", "InvalidPart");
  ChosenParts chosen;
  Digest digests(DigestAlgorithm::md5);
  auto next = stored.begin();
  unsigned previous = 0;
  for (const ports::CompletePart& part : named) {
    if (part.number <= previous)
      return fail(ErrorKind::invalid_argument, "the parts are not in ascending order", "InvalidPartOrder");
    previous = part.number;
    for (; next != stored.end() && next->number < part.number; ++next) chosen.left_over.push_back(next->number);
    if (next == stored.end() || next->number != part.number) return invalid_part(part.number);
    if (to_lower(part.etag) != next->etag) return invalid_part(part.number);
    if (part.checksum && next->checksum && part.checksum->algorithm == next->checksum->algorithm &&
        part.checksum->value != next->checksum->value)
      return invalid_part(part.number);
    if (&part != &named.back() && next->size_bytes < kSmallestPart) {
      return fail(ErrorKind::invalid_argument,
                  "part " + std::to_string(part.number) + " is smaller than 5 MiB and not the last", "EntityTooSmall");
    }
    chosen.size_bytes += next->size_bytes;
    chosen.sizes.push_back(next->size_bytes);
    digests.update(*hex_decode(next->etag));
    ++next;
  }
  for (; next != stored.end(); ++next) chosen.left_over.push_back(next->number);
  chosen.etag = hex_encode(digests.finish()) + "-" + std::to_string(named.size());
  return chosen;
}

}  // namespace s3link::sqlite_store
