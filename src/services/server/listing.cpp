#include <algorithm>
#include <utility>

#include "core/s3/error_code.hpp"
#include "services/server/answers.hpp"
#include "services/server/handlers.hpp"

namespace s3link::server {
namespace {

void add_common_prefixes(s3::XmlWriter& xml, const s3::ListPageRequest& page,
                         const std::vector<std::string>& common_prefixes) {
  for (const std::string& common : common_prefixes) {
    xml.open("CommonPrefixes");
    xml.element("Prefix", page.encoded(common));
    xml.close();
  }
}

void add_object(s3::XmlWriter& xml, const s3::ListPageRequest& page, const ports::ObjectInfo& object, bool with_owner) {
  xml.element("Key", page.encoded(object.key.text()));
  xml.element("LastModified", iso8601(object.modified));
  xml.element("ETag", quoted_etag(object.etag));
  xml.element("Size", object.size_bytes);
  if (with_owner) add_owner(xml, "Owner");
  xml.element("StorageClass", "STANDARD");
}

void add_upload(s3::XmlWriter& xml, const s3::ListPageRequest& page, const ports::UploadInfo& upload) {
  xml.open("Upload");
  xml.element("Key", page.encoded(upload.key.text()));
  xml.element("UploadId", upload.upload_id);
  add_owner(xml, "Initiator");
  add_owner(xml, "Owner");
  xml.element("StorageClass", "STANDARD");
  xml.element("Initiated", iso8601(upload.initiated));
  if (!upload.checksum_algorithm.empty()) {
    xml.element("ChecksumAlgorithm", upload.checksum_algorithm);
    xml.element("ChecksumType", upload.checksum_composite ? "COMPOSITE" : "FULL_OBJECT");
  }
  xml.close();
}

/// A name that XML cannot hold would be another one in the answer: only encoding-type=url can say it.
Awaitable<Status> answer_list(Exchange& exchange, s3::XmlWriter xml) {
  if (xml.lossy()) {
    co_return s3::refuse(s3::ErrorCode::invalid_argument,
                         "A name in this list holds a character that XML 1.0 does not know. Ask with "
                         "encoding-type=url.");
  }
  co_return co_await exchange.answer_xml(xml.finish());
}

ports::ListRequest list_request(const s3::BucketName& bucket, const s3::ListPageRequest& page, std::string from) {
  return {.bucket = bucket,
          .prefix = page.prefix,
          .delimiter = page.delimiter,
          .start_after = std::move(from),
          .max_entries = page.max_entries};
}

}  // namespace

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListObjects op) {
  const auto listed = co_await backend.store.list_objects(list_request(op.bucket, op.page, op.from));
  if (!listed) co_return std::unexpected(listed.error());
  const bool v2 = op.version == 2;
  s3::XmlWriter xml("ListBucketResult");
  xml.element("Name", op.bucket.text());
  xml.element("Prefix", op.page.encoded(op.page.prefix));
  if (v2) {
    if (!op.start_after.empty()) xml.element("StartAfter", op.page.encoded(op.start_after));
    if (op.continuation) xml.element("ContinuationToken", *op.continuation);
    if (listed->truncated) xml.element("NextContinuationToken", s3::encode_continuation(listed->last));
    xml.element("KeyCount", listed->objects.size() + listed->common_prefixes.size());
  } else {
    xml.element("Marker", op.page.encoded(op.marker));
    // Without a delimiter a client goes on from the last key itself.
    if (listed->truncated && !op.page.delimiter.empty()) xml.element("NextMarker", op.page.encoded(listed->last));
  }
  xml.element("MaxKeys", op.page.max_entries);
  if (!op.page.delimiter.empty()) xml.element("Delimiter", op.page.encoded(op.page.delimiter));
  if (op.page.encode_url) xml.element("EncodingType", "url");
  xml.element("IsTruncated", listed->truncated);
  for (const auto& object : listed->objects) {
    xml.open("Contents");
    add_object(xml, op.page, object, !v2 || op.fetch_owner);
    xml.close();
  }
  add_common_prefixes(xml, op.page, listed->common_prefixes);
  co_return co_await answer_list(exchange, std::move(xml));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListObjectVersions op) {
  const auto listed = co_await backend.store.list_objects(list_request(op.bucket, op.page, op.key_marker));
  if (!listed) co_return std::unexpected(listed.error());
  s3::XmlWriter xml("ListVersionsResult");
  xml.element("Name", op.bucket.text());
  xml.element("Prefix", op.page.encoded(op.page.prefix));
  xml.element("KeyMarker", op.page.encoded(op.key_marker));
  xml.element("VersionIdMarker", op.version_id_marker);
  if (listed->truncated) {
    xml.element("NextKeyMarker", op.page.encoded(listed->last));
    // After a common prefix there is no version to go on from.
    const bool after_key = !listed->objects.empty() && listed->objects.back().key.text() == listed->last;
    if (after_key) xml.element("NextVersionIdMarker", "null");
  }
  xml.element("MaxKeys", op.page.max_entries);
  if (!op.page.delimiter.empty()) xml.element("Delimiter", op.page.encoded(op.page.delimiter));
  if (op.page.encode_url) xml.element("EncodingType", "url");
  xml.element("IsTruncated", listed->truncated);
  for (const auto& object : listed->objects) {
    xml.open("Version");
    add_object(xml, op.page, object, true);
    xml.element("VersionId", "null");
    xml.element("IsLatest", true);
    xml.close();
  }
  add_common_prefixes(xml, op.page, listed->common_prefixes);
  co_return co_await answer_list(exchange, std::move(xml));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListMultipartUploads op) {
  ports::ListUploadsRequest request{.bucket = op.bucket,
                                    .prefix = op.page.prefix,
                                    .delimiter = op.page.delimiter,
                                    .key_marker = op.key_marker,
                                    .upload_id_marker = op.upload_id_marker,
                                    .max_uploads = op.page.max_entries};
  const auto listed = co_await backend.store.list_uploads(std::move(request));
  if (!listed) co_return std::unexpected(listed.error());
  s3::XmlWriter xml("ListMultipartUploadsResult");
  xml.element("Bucket", op.bucket.text());
  xml.element("KeyMarker", op.page.encoded(op.key_marker));
  xml.element("UploadIdMarker", op.upload_id_marker);
  if (listed->truncated) {
    // Keys and prefixes come in one order: the page ends at the greater of the two last ones.
    const std::string key = listed->uploads.empty() ? std::string() : listed->uploads.back().key.text();
    const std::string common = listed->common_prefixes.empty() ? std::string() : listed->common_prefixes.back();
    xml.element("NextKeyMarker", op.page.encoded(std::max(key, common)));
    xml.element("NextUploadIdMarker", key > common ? listed->uploads.back().upload_id : std::string());
  }
  xml.element("Prefix", op.page.encoded(op.page.prefix));
  if (!op.page.delimiter.empty()) xml.element("Delimiter", op.page.encoded(op.page.delimiter));
  if (op.page.encode_url) xml.element("EncodingType", "url");
  xml.element("MaxUploads", op.page.max_entries);
  xml.element("IsTruncated", listed->truncated);
  for (const auto& upload : listed->uploads) add_upload(xml, op.page, upload);
  add_common_prefixes(xml, op.page, listed->common_prefixes);
  co_return co_await answer_list(exchange, std::move(xml));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListParts op) {
  const auto upload = co_await backend.store.head_upload(op.bucket, op.key, op.upload_id);
  if (!upload) co_return std::unexpected(upload.error());
  // One more than asked for says whether there are more.
  auto parts = co_await backend.store.list_parts(op.bucket, op.key, op.upload_id, op.part_number_marker,
                                                 op.page.max_entries + 1);
  if (!parts) co_return std::unexpected(parts.error());
  const bool truncated = parts->size() > op.page.max_entries && op.page.max_entries > 0;
  if (parts->size() > op.page.max_entries)
    parts->erase(parts->begin() + std::ptrdiff_t(op.page.max_entries), parts->end());

  s3::XmlWriter xml("ListPartsResult");
  xml.element("Bucket", op.bucket.text());
  xml.element("Key", op.page.encoded(op.key.text()));
  xml.element("UploadId", op.upload_id);
  add_owner(xml, "Initiator");
  add_owner(xml, "Owner");
  xml.element("StorageClass", "STANDARD");
  xml.element("PartNumberMarker", op.part_number_marker);
  if (truncated) xml.element("NextPartNumberMarker", parts->back().number);
  xml.element("MaxParts", op.page.max_entries);
  if (op.page.encode_url) xml.element("EncodingType", "url");
  xml.element("IsTruncated", truncated);
  if (!upload->checksum_algorithm.empty()) {
    xml.element("ChecksumAlgorithm", upload->checksum_algorithm);
    xml.element("ChecksumType", upload->checksum_composite ? "COMPOSITE" : "FULL_OBJECT");
  }
  for (const auto& part : *parts) {
    xml.open("Part");
    xml.element("PartNumber", part.number);
    xml.element("LastModified", iso8601(part.modified));
    xml.element("ETag", quoted_etag(part.etag));
    xml.element("Size", part.size_bytes);
    if (part.checksum) add_checksum(xml, *part.checksum, false);
    xml.close();
  }
  co_return co_await answer_list(exchange, std::move(xml));
}

}  // namespace s3link::server
