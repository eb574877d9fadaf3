#include "adapters/aws/listing_page.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <optional>
#include <pugixml.hpp>
#include <string>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::aws {
namespace {

using ports::ListedObject;
using ports::ListingPage;

Error unreadable(std::string_view what) {
  return {.kind = ErrorKind::transient,
          .message = fmt::format("the listing is not understood: {}", what),
          .code = "unknown"};
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

}  // namespace

Result<ListingPage> read_listing_page(std::string_view xml) {
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
    if (!object || page.objects.size() == kMaxListedKeys) return std::unexpected(unreadable("Contents"));
    page.objects.push_back(*std::move(object));
  }
  if (std::strcmp(root.child_value("IsTruncated"), "true") == 0) {
    if (page.objects.empty()) return std::unexpected(unreadable("it goes on, but after which key?"));
    page.next = page.objects.back().key;
  }
  return page;
}

}  // namespace s3link::aws
