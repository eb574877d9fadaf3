#include <utility>

#include "core/s3/error_code.hpp"
#include "core/s3/xml_reader.hpp"
#include "services/server/answers.hpp"
#include "services/server/handlers.hpp"
#include "services/server/payload.hpp"

namespace s3link::server {
namespace {

using s3::ErrorCode;

void add_delete_error(s3::XmlWriter& xml, const s3::DeleteEntry& entry, const Error& error) {
  const auto told = s3::to_answer(error);
  xml.open("Error");
  xml.element("Key", entry.key);
  if (!entry.version_id.empty()) xml.element("VersionId", entry.version_id);
  xml.element("Code", told.code);
  xml.element("Message", told.message);
  xml.close();
}

/// The key to delete, or why this entry is refused. Keys are names: nothing in them leads elsewhere.
Result<s3::ObjectKey> key_of(const s3::DeleteEntry& entry) {
  if (entry.conditional) {
    return s3::refuse(ErrorCode::not_implemented, "A conditional delete is not implemented by this server.");
  }
  if (!entry.version_id.empty() && entry.version_id != "null") return s3::refuse(ErrorCode::no_such_version);
  return s3::ObjectKey::parse(entry.key);
}

}  // namespace

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::PutObject op) {
  if (auto announced = check_body_announced(exchange.request()); !announced) co_return announced;
  auto payload = PayloadReader::open(exchange.verified, op.claims, exchange.body(), backend.settings.max_object_size);
  if (!payload) co_return std::unexpected(payload.error());
  if (auto writable = backend.store.writable(); !writable) co_return writable;
  if (auto bucket = co_await backend.store.head_bucket(op.bucket); !bucket) co_return std::unexpected(bucket.error());
  if (auto room = co_await backend.store.check_quota(
          {.bucket = op.bucket, .key = op.key, .size_bytes = payload->announced_bytes().value_or(0), .upload_id = {}});
      !room)
    co_return room;

  auto body = co_await receive_body(backend.store, *payload);
  if (!body) co_return std::unexpected(body.error());

  const Instant written = backend.clock.now();
  ports::PutObject put{.bucket = op.bucket,
                       .key = std::move(op.key),
                       .headers = std::move(op.headers),
                       .checksum = body->checksum,
                       .modified = written,
                       .removed_at = removal_time(backend, op.bucket, written),
                       .event = event_origin(backend, exchange, op.bucket, "ObjectCreated:Put"),
                       .condition = std::move(op.condition)};
  const auto object = co_await backend.store.put_object(std::move(put), std::move(body->writer));
  if (!object) co_return std::unexpected(object.error());
  exchange.record().object_size = object->size_bytes;

  ports::HttpFields fields = {{"ETag", quoted_etag(object->etag)}};
  if (object->checksum) add_checksum(fields, *object->checksum);
  add_written(fields, *object);
  co_return co_await exchange.answer(200, std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteObject op) {
  std::vector<s3::ObjectKey> keys = {std::move(op.key)};
  auto deleted = co_await backend.store.delete_objects(std::move(op.bucket), std::move(keys));
  if (!deleted) co_return std::unexpected(deleted.error());
  co_return co_await exchange.answer(204);
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteObjects op) {
  if (auto bucket = co_await backend.store.head_bucket(op.bucket); !bucket) co_return std::unexpected(bucket.error());
  const auto document = co_await receive_document(exchange.verified, op.claims, exchange.body(), s3::kMaxXmlBytes);
  if (!document) co_return std::unexpected(document.error());
  const auto request = s3::parse_delete(*document);
  if (!request) co_return std::unexpected(request.error());

  s3::XmlWriter xml("DeleteResult");
  std::vector<s3::ObjectKey> keys;
  std::vector<const s3::DeleteEntry*> entries;
  for (const s3::DeleteEntry& entry : request->entries) {
    auto key = key_of(entry);
    if (!key) {
      add_delete_error(xml, entry, key.error());
      continue;
    }
    keys.push_back(std::move(*key));
    entries.push_back(&entry);
  }
  if (!keys.empty()) {
    auto deleted = co_await backend.store.delete_objects(std::move(op.bucket), std::move(keys));
    if (!deleted) co_return std::unexpected(deleted.error());
  }
  if (!request->quiet) {
    for (const s3::DeleteEntry* const entry : entries) {
      xml.open("Deleted");
      xml.element("Key", entry->key);
      if (!entry->version_id.empty()) xml.element("VersionId", entry->version_id);
      xml.close();
    }
  }
  co_return co_await exchange.answer_xml(xml.finish());
}

}  // namespace s3link::server
