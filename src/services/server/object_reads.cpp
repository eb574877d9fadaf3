#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "core/base/encoding.hpp"
#include "core/s3/cache_control.hpp"
#include "core/s3/error_code.hpp"
#include "services/server/answers.hpp"
#include "services/server/handlers.hpp"

namespace s3link::server {
namespace {

using s3::ErrorCode;
using s3::refuse;

/// What is held in memory of an object on its way out.
constexpr std::size_t kBufferBytes = std::size_t{256} * 1024;

/// Which bytes of an object are the answer.
struct Selection {
  unsigned status = 200;
  s3::ByteSpan span;  ///< length 0: an empty object
  bool whole = true;  ///< the bytes are those the object's checksum was made of
};

Result<Selection> select_part(const ports::ObjectInfo& object, unsigned number) {
  const auto& sizes = object.part_sizes;
  if (sizes.empty()) {
    if (number != 1) return refuse(ErrorCode::invalid_part_number);
    return Selection{object.size_bytes == 0 ? 200U : 206U, {0, object.size_bytes}, true};
  }
  if (number > sizes.size()) return refuse(ErrorCode::invalid_part_number);
  const auto at = sizes.begin() + (number - 1);
  const std::uint64_t first = std::accumulate(sizes.begin(), at, std::uint64_t{0});
  return Selection{206, {first, *at}, sizes.size() == 1};
}

Result<Selection> select(const s3::GetObject& op, const ports::ObjectInfo& object) {
  if (op.part_number) return select_part(object, *op.part_number);
  if (!op.range || !s3::range_applies(op.conditions, object.etag, object.modified)) {
    return Selection{200, {0, object.size_bytes}, true};
  }
  const auto span = op.range->resolve(object.size_bytes);
  if (!span) return refuse(ErrorCode::invalid_range);
  return Selection{206, *span, span->length == object.size_bytes};
}

/// What caches are told: of an answer to a presigned URL, that it is for the one who asked, and until the URL or the
/// object ends. One to the Authorization field needs no word of ours: shared caches keep none of those (RFC 9111 §3.5),
/// so it gets what was stored with the object.
std::string cache_control(const Exchange& exchange, const ports::ObjectInfo& object, const std::string& given) {
  const auto& expires_at = exchange.verified.expires_at;
  if (!expires_at) return given;
  const Instant end = object.removed_at ? std::min(*object.removed_at, *expires_at) : *expires_at;
  return s3::private_cache_control(given, std::chrono::floor<std::chrono::seconds>(end - exchange.now()));
}

/// The fields that a 304 carries, too (RFC 9110 §15.4.5).
ports::HttpFields validators(const Exchange& exchange, const s3::Fields& overrides, const ports::ObjectInfo& object) {
  ports::HttpFields fields = {{"ETag", quoted_etag(object.etag)}, {"Last-Modified", http_date(object.modified)}};
  const std::string* const override = s3::find_field(overrides, "Cache-Control");
  const std::string caches =
      cache_control(exchange, object, override != nullptr ? *override : object.headers.cache_control);
  if (!caches.empty()) fields.emplace_back("Cache-Control", caches);
  return fields;
}

ports::HttpFields object_fields(const Exchange& exchange, const s3::GetObject& op, const ports::ObjectInfo& object,
                                const Selection& selection) {
  ports::HttpFields fields = validators(exchange, op.overrides, object);
  fields.emplace_back("Accept-Ranges", "bytes");
  // Where a browser shows an object after all, its scripts and forms belong to no origin, least of all to this one.
  fields.emplace_back("Content-Security-Policy", "sandbox");
  const auto& kept = object.headers;
  const std::string content_type = kept.content_type.empty() ? "binary/octet-stream" : kept.content_type;
  const std::pair<std::string_view, const std::string&> standard[] = {
      {"Content-Type", content_type},
      {"Content-Disposition", kept.content_disposition},
      {"Content-Encoding", kept.content_encoding},
      {"Content-Language", kept.content_language},
      {"Expires", kept.expires},
  };
  for (const auto& [name, value] : standard) {
    const std::string* const override = s3::find_field(op.overrides, name);
    const std::string& given = override != nullptr ? *override : value;
    if (!given.empty()) fields.emplace_back(name, given);
  }
  for (const auto& [name, value] : kept.metadata) fields.emplace_back("x-amz-meta-" + name, value);
  if (selection.status == 206) {
    fields.emplace_back("Content-Range",
                        fmt::format("bytes {}-{}/{}", selection.span.first,
                                    selection.span.first + selection.span.length - 1, object.size_bytes));
  }
  if (op.part_number && !object.part_sizes.empty()) {
    fields.emplace_back("x-amz-mp-parts-count", std::to_string(object.part_sizes.size()));
  }
  if (op.checksum_mode && selection.whole && object.checksum) add_checksum(fields, *object.checksum);
  add_encryption(fields);
  add_expiration(fields, object);
  return fields;
}

/// Sends the selected bytes. The first block is read before anything is said, so that a body that cannot be read is an
/// error answer and not a broken transfer.
Awaitable<Status> send_object(Exchange& exchange, ports::BodyReader& body, Selection selection,
                              ports::HttpFields fields) {
  std::uint64_t at = selection.span.first;
  std::uint64_t left = selection.span.length;
  std::string buffer(static_cast<std::size_t>(std::min<std::uint64_t>(left, kBufferBytes)), '\0');
  bool begun = false;
  while (left > 0) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
    const auto got = co_await body.read_at(at, std::as_writable_bytes(std::span(buffer)).first(wanted));
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return fail(ErrorKind::corrupt, "the stored body is shorter than its object");
    if (!begun && *got == left) {
      buffer.resize(*got);
      co_return co_await exchange.answer(selection.status, std::move(fields), std::move(buffer));
    }
    if (!begun) {
      begun = true;
      auto head = co_await exchange.begin(selection.status, std::move(fields), selection.span.length);
      if (!head) co_return head;
    }
    if (auto sent = co_await exchange.write(as_bytes(buffer).first(*got)); !sent) co_return sent;
    at += *got;
    left -= *got;
  }
  if (!begun) co_return co_await exchange.answer(selection.status, std::move(fields));
  co_return Status{};
}

/// Answers when the conditions say so. Empty: go on.
Awaitable<std::optional<Status>> answer_by_condition(Exchange& exchange, const s3::ReadConditions& conditions,
                                                     const s3::Fields& overrides, const ports::ObjectInfo& object) {
  switch (s3::evaluate(conditions, object.etag, object.modified)) {
    case s3::ReadVerdict::precondition_failed:
      co_return Status(refuse(ErrorCode::precondition_failed));
    case s3::ReadVerdict::not_modified:
      co_return co_await exchange.answer(304, validators(exchange, overrides, object));
    case s3::ReadVerdict::proceed:
      break;
  }
  co_return std::nullopt;
}

Awaitable<Status> head_object(Backend& backend, Exchange& exchange, s3::GetObject op) {
  const auto object = co_await backend.store.head_object(op.bucket, op.key);
  if (!object) co_return std::unexpected(object.error());
  exchange.record().object_size = object->size_bytes;
  if (auto answered = co_await answer_by_condition(exchange, op.conditions, op.overrides, *object)) co_return *answered;
  const auto selection = select(op, *object);
  if (!selection) co_return std::unexpected(selection.error());
  auto fields = object_fields(exchange, op, *object, *selection);
  co_return co_await exchange.begin(selection->status, std::move(fields), selection->span.length);
}

void add_parts(s3::XmlWriter& xml, const s3::GetObjectAttributes& op, const std::vector<std::uint64_t>& sizes) {
  xml.open("ObjectParts");
  xml.element("PartsCount", sizes.size());
  xml.element("PartNumberMarker", op.part_number_marker);
  const std::size_t begin = std::min<std::size_t>(op.part_number_marker, sizes.size());
  const std::size_t end = std::min(sizes.size(), begin + op.max_parts);
  xml.element("NextPartNumberMarker", end);
  xml.element("MaxParts", op.max_parts);
  xml.element("IsTruncated", end < sizes.size());
  for (std::size_t i = begin; i < end; ++i) {
    xml.open("Part");
    xml.element("PartNumber", i + 1);
    xml.element("Size", sizes[i]);
    xml.close();
  }
  xml.close();
}

}  // namespace

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObject op) {
  if (op.head) co_return co_await head_object(backend, exchange, std::move(op));
  const auto open = co_await backend.store.open_object(op.bucket, op.key);
  if (!open) co_return std::unexpected(open.error());
  const ports::ObjectInfo& object = open->info;
  exchange.record().object_size = object.size_bytes;
  if (auto answered = co_await answer_by_condition(exchange, op.conditions, op.overrides, object)) co_return *answered;
  const auto selection = select(op, object);
  if (!selection) co_return std::unexpected(selection.error());
  auto fields = object_fields(exchange, op, object, *selection);
  co_return co_await send_object(exchange, *open->body, *selection, std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObjectAttributes op) {
  const auto object = co_await backend.store.head_object(op.bucket, op.key);
  if (!object) co_return std::unexpected(object.error());
  if (auto answered = co_await answer_by_condition(exchange, op.conditions, {}, *object)) co_return *answered;
  s3::XmlWriter xml("GetObjectAttributesResponse");
  if (op.etag) xml.element("ETag", object->etag);
  if (op.checksum && object->checksum) {
    xml.open("Checksum");
    add_checksum(xml, *object->checksum, true);
    xml.close();
  }
  if (op.object_parts && !object->part_sizes.empty()) add_parts(xml, op, object->part_sizes);
  if (op.storage_class) xml.element("StorageClass", "STANDARD");
  if (op.object_size) xml.element("ObjectSize", object->size_bytes);
  ports::HttpFields fields = {{"Last-Modified", http_date(object->modified)}};
  co_return co_await exchange.answer_xml(xml.finish(), std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObjectAcl op) {
  if (auto object = co_await backend.store.head_object(op.bucket, op.key); !object) {
    co_return std::unexpected(object.error());
  }
  co_return co_await exchange.answer_xml(acl_document());
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetObjectTagging op) {
  if (auto object = co_await backend.store.head_object(op.bucket, op.key); !object) {
    co_return std::unexpected(object.error());
  }
  s3::XmlWriter xml("Tagging");
  xml.element("TagSet", "");
  co_return co_await exchange.answer_xml(xml.finish());
}

}  // namespace s3link::server
