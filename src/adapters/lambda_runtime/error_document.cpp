#include "adapters/lambda_runtime/error_document.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "core/base/encoding.hpp"

namespace s3link::lambda_runtime {

namespace {

constexpr std::size_t kMaxType = 256;

// At most `max` bytes, not ending inside a character.
std::string_view cut(std::string_view text, std::size_t max) {
  if (text.size() <= max) return text;
  std::size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end);
}

std::string printable(std::string text) {
  if (is_utf8(text)) return text;
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return text;
}

}  // namespace

std::string error_document(const ports::InvocationError& error) {
  boost::json::object document;
  document["errorType"] = error_type_field(error.type);
  document["errorMessage"] = printable(std::string(cut(error.message, kMaxErrorMessage)));
  document["stackTrace"] = boost::json::array();
  return boost::json::serialize(document);
}

std::string error_type_field(std::string_view type) {
  std::string field(type.substr(0, kMaxType));
  std::ranges::replace_if(
      field,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                 c == '-');
      },
      '_');
  return field;
}

}  // namespace s3link::lambda_runtime
