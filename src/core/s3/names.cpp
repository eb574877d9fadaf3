#include "core/s3/names.hpp"

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

bool is_lower_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Four groups of digits with dots between: a client would take it for an address.
bool looks_like_ipv4(std::string_view text) noexcept {
  return std::ranges::count(text, '.') == 3 &&
         std::ranges::all_of(text, [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

}  // namespace

Result<BucketName> BucketName::parse(std::string_view text) {
  const bool valid = text.size() >= 3 && text.size() <= 63 && is_lower_or_digit(text.front()) &&
                     is_lower_or_digit(text.back()) &&
                     std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; }) &&
                     !text.contains("..") && !text.contains(".-") && !text.contains("-.") && !looks_like_ipv4(text);
  if (!valid) return fail(ErrorKind::invalid_argument, "The specified bucket is not valid.", "InvalidBucketName");
  return BucketName(std::string(text));
}

Result<ObjectKey> ObjectKey::parse(std::string_view text) {
  if (text.size() > kMaxBytes) return fail(ErrorKind::invalid_argument, "Your key is too long", "KeyTooLongError");
  if (text.empty() || !is_utf8(text)) {
    return fail(ErrorKind::invalid_argument, "The key is not 1 to 1024 bytes of UTF-8.", "InvalidURI");
  }
  return ObjectKey(std::string(text));
}

}  // namespace s3link::s3
