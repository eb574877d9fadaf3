#include "core/s3/list_page.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/names.hpp"

namespace s3link::s3 {
namespace {

/// The first byte of a token says which form the rest has.
constexpr char kTokenForm = '1';

}  // namespace

Result<std::size_t> parse_count(const Fields& query, std::string_view name, std::size_t fallback) {
  const std::string* const text = find_parameter(query, name);
  if (text == nullptr || text->empty()) return fallback;
  std::int32_t value = 0;
  const auto [end, ec] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (ec != std::errc{} || end != text->data() + text->size() || value < 0) {
    return refuse(ErrorCode::invalid_argument,
                  "Argument " + std::string(name) + " must be an integer between 0 and 2147483647");
  }
  return static_cast<std::size_t>(value);
}

Result<std::string> parse_text(const Fields& query, std::string_view name) {
  const std::string* const text = find_parameter(query, name);
  if (text == nullptr) return std::string();
  if (!is_utf8(*text)) return refuse(ErrorCode::invalid_argument, "Argument " + std::string(name) + " is not UTF-8.");
  if (text->size() > ObjectKey::kMaxBytes) {
    return refuse(ErrorCode::invalid_argument, "Argument " + std::string(name) + " is longer than a key can be.");
  }
  return *text;
}

Result<ListPageRequest> ListPageRequest::parse(const Fields& query, std::string_view max_name) {
  ListPageRequest out;
  auto prefix = parse_text(query, "prefix");
  if (!prefix) return std::unexpected(prefix.error());
  auto delimiter = parse_text(query, "delimiter");
  if (!delimiter) return std::unexpected(delimiter.error());
  const auto count = parse_count(query, max_name, kMaxPageEntries);
  if (!count) return std::unexpected(count.error());
  out.prefix = std::move(*prefix);
  out.delimiter = std::move(*delimiter);
  out.max_entries = std::min(*count, kMaxPageEntries);
  if (const std::string* const type = find_parameter(query, "encoding-type"); type != nullptr && !type->empty()) {
    if (*type != "url") return refuse(ErrorCode::invalid_argument, "Invalid Encoding Method specified in Request");
    out.encode_url = true;
  }
  return out;
}

std::string ListPageRequest::encoded(std::string_view text) const {
  return encode_url ? uri_encode_path(text) : std::string(text);
}

std::string encode_continuation(std::string_view start_after) {
  return base64_encode(std::string(1, kTokenForm) + std::string(start_after));
}

Result<std::string> decode_continuation(std::string_view token) {
  // A token goes on where a key or a common prefix ended: both are parts of keys.
  constexpr std::size_t kMaxToken = (ObjectKey::kMaxBytes + 1 + 2) / 3 * 4;
  if (token.size() <= kMaxToken) {
    auto text = base64_decode(token);
    if (text && text->size() > 1 && text->front() == kTokenForm && is_utf8(*text)) return text->substr(1);
  }
  return refuse(ErrorCode::invalid_argument, "The continuation token provided is incorrect");
}

}  // namespace s3link::s3
