#include <algorithm>
#include <map>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/xml_reader.hpp"
#include "services/server/answers.hpp"
#include "services/server/handlers.hpp"
#include "services/server/payload.hpp"

namespace s3link::server {
namespace {

using s3::ErrorCode;
using s3::refuse;

/// Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits".
constexpr std::uint64_t kMaxPartBytes = std::uint64_t{5} * 1024 * 1024 * 1024;

void add_upload_checksum(ports::HttpFields& fields, const ports::UploadInfo& upload) {
  if (upload.checksum_algorithm.empty()) return;
  fields.emplace_back("x-amz-checksum-algorithm", upload.checksum_algorithm);
  fields.emplace_back("x-amz-checksum-type", upload.checksum_composite ? "COMPOSITE" : "FULL_OBJECT");
}

Awaitable<Result<std::map<unsigned, ports::PartInfo>>> all_parts(ports::BucketStore& store, s3::BucketName bucket,
                                                                 s3::ObjectKey key, std::string upload_id) {
  std::map<unsigned, ports::PartInfo> out;
  unsigned after = 0;
  while (true) {
    auto page = co_await store.list_parts(bucket, key, upload_id, after, s3::kMaxPageEntries);
    if (!page) co_return std::unexpected(page.error());
    const bool last = page->size() < s3::kMaxPageEntries;
    for (auto& part : *page) {
      after = part.number;
      out.emplace(part.number, std::move(part));
    }
    if (last) co_return out;
  }
}

/// The named parts as they are stored, in order. Errors: InvalidPart.
Result<std::vector<ports::PartInfo>> match_parts(const std::vector<s3::CompletedPart>& named,
                                                 const std::map<unsigned, ports::PartInfo>& stored) {
  std::vector<ports::PartInfo> out;
  for (const s3::CompletedPart& part : named) {
    const auto at = stored.find(part.number);
    if (at == stored.end() || at->second.etag != part.etag) return refuse(ErrorCode::invalid_part);
    const auto& checksum = at->second.checksum;
    for (const auto& claimed : part.checksums) {
      if (checksum && checksum->algorithm == claimed.algorithm && checksum->value != claimed.value) {
        return refuse(ErrorCode::invalid_part);
      }
    }
    out.push_back(at->second);
  }
  return out;
}

/// The whole object's checksum from those of its parts: every part of an upload with an algorithm has one.
Result<std::optional<s3::ObjectChecksum>> whole_checksum(const ports::UploadInfo& upload,
                                                         const std::vector<ports::PartInfo>& parts) {
  const auto algorithm = s3::parse_checksum_algorithm(upload.checksum_algorithm);
  if (!algorithm) return std::optional<s3::ObjectChecksum>();
  std::vector<std::string> raw;
  for (const auto& part : parts) {
    auto value = part.checksum ? base64_decode(part.checksum->value) : std::nullopt;
    if (!value || part.checksum->algorithm != upload.checksum_algorithm) {
      return fail(ErrorKind::internal, "a part without the checksum of its upload");
    }
    raw.push_back(std::move(*value));
  }
  if (upload.checksum_composite) {
    return s3::ObjectChecksum{upload.checksum_algorithm, s3::composite_checksum(*algorithm, raw), true};
  }
  std::string combined = raw.front();
  for (std::size_t i = 1; i < raw.size(); ++i) {
    combined = s3::combine_crc(*algorithm, combined, raw[i], parts[i].size_bytes);
  }
  return s3::ObjectChecksum{upload.checksum_algorithm, base64_encode(combined), false};
}

/// What the head of CompleteMultipartUpload claims of the object.
Status check_claims(const s3::CompleteMultipartUpload& op, const std::optional<s3::ObjectChecksum>& checksum,
                    std::uint64_t size_bytes) {
  if (op.size_bytes && *op.size_bytes != size_bytes) {
    return refuse(ErrorCode::invalid_request,
                  "The provided 'x-amz-mp-object-size' header does not match what was computed.");
  }
  if (op.composite && checksum && *op.composite != checksum->composite) {
    return refuse(ErrorCode::invalid_request,
                  "The upload was created using another checksum type than the complete request names.");
  }
  if (!op.checksum) return {};
  if (!checksum || s3::to_string(op.checksum->algorithm) != checksum->algorithm) {
    return refuse(ErrorCode::bad_digest, "The upload was created using another checksum algorithm.");
  }
  // A composite checksum may come with or without its number of parts.
  const std::string& value = checksum->value;
  if (op.checksum->value == value ||
      (checksum->composite && op.checksum->value == std::string_view(value).substr(0, value.rfind('-')))) {
    return {};
  }
  return refuse(ErrorCode::bad_digest, "The " + checksum->algorithm + " you specified did not match what we received.");
}

/// Everything that is known of the object before it is made. An upload that is gone may have been completed by the same
/// request before: then the store knows its object.
Awaitable<Result<std::optional<s3::ObjectChecksum>>> check_completion(Backend& backend,
                                                                      const s3::CompleteMultipartUpload& op,
                                                                      const std::vector<s3::CompletedPart>& named) {
  const auto upload = co_await backend.store.head_upload(op.bucket, op.key, op.upload_id);
  if (!upload && upload.error().code == s3::to_string(ErrorCode::no_such_upload)) {
    co_return std::optional<s3::ObjectChecksum>();
  }
  if (!upload) co_return std::unexpected(upload.error());
  const auto stored = co_await all_parts(backend.store, op.bucket, op.key, op.upload_id);
  if (!stored) co_return std::unexpected(stored.error());
  const auto parts = match_parts(named, *stored);
  if (!parts) co_return std::unexpected(parts.error());
  std::uint64_t size_bytes = 0;
  for (const auto& part : *parts) size_bytes += part.size_bytes;
  if (size_bytes > backend.settings.max_object_size) co_return refuse(ErrorCode::entity_too_large);
  auto checksum = whole_checksum(*upload, *parts);
  if (!checksum) co_return std::unexpected(checksum.error());
  if (auto held = check_claims(op, *checksum, size_bytes); !held) co_return std::unexpected(held.error());
  co_return std::move(*checksum);
}

std::string location_of(const Exchange& exchange, const s3::CompleteMultipartUpload& op) {
  const auto* const host = ports::find_field(exchange.request().fields, "Host");
  return (exchange.request().secure ? "https://" : "http://") + (host == nullptr ? std::string() : *host) + "/" +
         op.bucket.text() + "/" + uri_encode_path(op.key.text());
}

}  // namespace

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::CreateMultipartUpload op) {
  if (auto writable = backend.store.writable(); !writable) co_return writable;
  if (auto room = co_await backend.store.check_quota({.bucket = op.bucket, .key = op.key, .upload_id = {}}); !room)
    co_return room;
  std::string id(16, '\0');
  backend.random.fill(std::as_writable_bytes(std::span(id)));
  ports::UploadInfo wanted{
      .upload_id = hex_encode(id),
      .key = op.key,
      .initiated = exchange.now(),
      .headers = std::move(op.headers),
      .checksum_algorithm = op.checksum.algorithm ? std::string(s3::to_string(*op.checksum.algorithm)) : std::string(),
      .checksum_composite = op.checksum.composite};
  const auto upload = co_await backend.store.create_upload(op.bucket, std::move(wanted));
  if (!upload) co_return std::unexpected(upload.error());
  ports::HttpFields fields;
  add_encryption(fields);
  add_upload_checksum(fields, *upload);
  s3::XmlWriter xml("InitiateMultipartUploadResult");
  xml.element("Bucket", op.bucket.text());
  xml.element("Key", op.key.text());
  xml.element("UploadId", upload->upload_id);
  co_return co_await exchange.answer_xml(xml.finish(), std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::UploadPart op) {
  if (auto announced = check_body_announced(exchange.request()); !announced) co_return announced;
  if (auto writable = backend.store.writable(); !writable) co_return writable;
  const auto upload = co_await backend.store.head_upload(op.bucket, op.key, op.upload_id);
  if (!upload) co_return std::unexpected(upload.error());
  const auto algorithm = s3::parse_checksum_algorithm(upload->checksum_algorithm);
  if (algorithm && op.claims.algorithm && *algorithm != *op.claims.algorithm) {
    co_return refuse(ErrorCode::invalid_request,
                     "Checksum Type mismatch occurred, expected checksum Type: " + to_lower(s3::to_string(*algorithm)) +
                         ", actual checksum Type: " + to_lower(s3::to_string(*op.claims.algorithm)));
  }
  const std::uint64_t max_bytes = std::min(kMaxPartBytes, backend.settings.max_object_size);
  auto payload = PayloadReader::open(exchange.verified, op.claims, exchange.body(), max_bytes, algorithm);
  if (!payload) co_return std::unexpected(payload.error());
  if (auto room = co_await backend.store.check_quota({.bucket = op.bucket,
                                                      .key = op.key,
                                                      .size_bytes = payload->announced_bytes().value_or(0),
                                                      .upload_id = op.upload_id,
                                                      .part = op.number});
      !room)
    co_return room;
  auto body = co_await receive_body(backend.store, *payload);
  if (!body) co_return std::unexpected(body.error());
  const auto part =
      co_await backend.store.put_part(std::move(op.bucket), std::move(op.key), std::move(op.upload_id), op.number,
                                      body->checksum, backend.clock.now(), std::move(body->writer));
  if (!part) co_return std::unexpected(part.error());
  ports::HttpFields fields = {{"ETag", quoted_etag(part->etag)}};
  if (part->checksum) {
    fields.emplace_back("x-amz-checksum-" + to_lower(part->checksum->algorithm), part->checksum->value);
  }
  add_encryption(fields);
  co_return co_await exchange.answer(200, std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::CompleteMultipartUpload op) {
  s3::BodyClaims claims;
  claims.md5 = op.body_md5;
  const auto document = co_await receive_document(exchange.verified, claims, exchange.body(), s3::kMaxXmlBytes);
  if (!document) co_return std::unexpected(document.error());
  const auto named = s3::parse_complete(*document);
  if (!named) co_return std::unexpected(named.error());
  auto checksum = co_await check_completion(backend, op, *named);
  if (!checksum) co_return std::unexpected(checksum.error());

  std::vector<ports::CompletePart> parts;
  for (const auto& part : *named) parts.push_back({part.number, part.etag, std::nullopt});
  const Instant written = backend.clock.now();
  ports::CompleteUpload complete{
      .bucket = op.bucket,
      .key = op.key,
      .upload_id = op.upload_id,
      .parts = std::move(parts),
      .checksum = std::move(*checksum),
      .modified = written,
      .removed_at = removal_time(backend, op.bucket, written),
      .event = event_origin(backend, exchange, op.bucket, "ObjectCreated:CompleteMultipartUpload"),
      .condition = op.condition};
  const auto object = co_await backend.store.complete_upload(std::move(complete));
  if (!object) co_return std::unexpected(object.error());
  exchange.record().object_size = object->size_bytes;

  ports::HttpFields fields;
  add_written(fields, *object);
  s3::XmlWriter xml("CompleteMultipartUploadResult");
  xml.element("Location", location_of(exchange, op));
  xml.element("Bucket", op.bucket.text());
  xml.element("Key", op.key.text());
  xml.element("ETag", quoted_etag(object->etag));
  if (object->checksum) add_checksum(xml, *object->checksum, true);
  co_return co_await exchange.answer_xml(xml.finish(), std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::AbortMultipartUpload op) {
  auto aborted = co_await backend.store.abort_upload(std::move(op.bucket), std::move(op.key), std::move(op.upload_id));
  if (!aborted) co_return aborted;
  co_return co_await exchange.answer(204);
}

}  // namespace s3link::server
