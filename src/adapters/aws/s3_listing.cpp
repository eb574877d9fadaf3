#include "adapters/aws/s3_listing.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <optional>
#include <pugixml.hpp>
#include <string_view>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::aws {
namespace {

using ports::ListedObject;
using ports::ListingPage;

constexpr std::size_t kMaxKeys = 1'000;

Error unreadable(std::string_view what) {
  return {.kind = ErrorKind::transient,
          .message = fmt::format("the listing is not understood: {}", what),
          .code = "unknown"};
}

/// What the port promises: transient, denied or not_found.
Error error_of(CallFailure failure) {
  const ErrorKind kind = failure.error.kind;
  if (kind != ErrorKind::transient && kind != ErrorKind::not_found) failure.error.kind = ErrorKind::denied;
  return std::move(failure.error);
}

std::string unquoted(std::string_view etag) {
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::optional<ListedObject> read_object(const pugi::xml_node& node, bool encoded) {
  const char* const text = node.child_value("Key");
  auto key = encoded ? form_decode(text) : std::optional<std::string>(text);
  const auto modified = parse_iso8601(node.child_value("LastModified"));
  const std::string_view size = node.child_value("Size");
  ListedObject object;
  const auto [end, ec] = std::from_chars(size.data(), size.data() + size.size(), object.size_bytes);
  if (!key || key->empty() || !modified || ec != std::errc{} || end != size.data() + size.size()) return std::nullopt;
  object.key = *std::move(key);
  object.etag = unquoted(node.child_value("ETag"));
  object.modified = *modified;
  return object;
}

Result<ListingPage> read_page(std::string_view xml) {
  pugi::xml_document document;
  if (!document.load_buffer(xml.data(), xml.size(), pugi::parse_default, pugi::encoding_utf8)) {
    return std::unexpected(unreadable("no XML"));
  }
  const pugi::xml_node root = document.child("ListBucketResult");
  if (!root) return std::unexpected(unreadable("no ListBucketResult"));
  const bool encoded = std::strcmp(root.child_value("EncodingType"), "url") == 0;
  ListingPage page;
  for (const pugi::xml_node node : root.children("Contents")) {
    auto object = read_object(node, encoded);
    if (!object || page.objects.size() == kMaxKeys) return std::unexpected(unreadable("Contents"));
    page.objects.push_back(*std::move(object));
  }
  if (std::strcmp(root.child_value("IsTruncated"), "true") == 0) {
    if (page.objects.empty()) return std::unexpected(unreadable("it goes on, but after which key?"));
    page.next = page.objects.back().key;
  }
  return page;
}

}  // namespace

Awaitable<Result<ListingPage>> S3Listing::list(std::string bucket, std::string start_after, Instant deadline,
                                               trace::Segment& under) {
  const bool by_path = endpoint_.custom || bucket.contains('.');
  Call call{.operation = "ListObjectsV2",
            .method = "GET",
            .target = fmt::format("/{}?list-type=2&encoding-type=url&max-keys={}", by_path ? uri_encode(bucket) : "",
                                  kMaxKeys),
            .fields = {},
            .body = {},
            .idempotent = true,
            .host_prefix = by_path ? std::string() : bucket + '.'};
  if (!start_after.empty()) call.target += "&start-after=" + uri_encode(start_after);
  auto answer = co_await caller_.call(endpoint_, std::move(call), deadline, under);
  if (!answer) co_return std::unexpected(error_of(std::move(answer.error())));
  co_return read_page(answer->body);
}

}  // namespace s3link::aws
