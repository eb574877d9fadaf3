#include "adapters/sqlite_store/headers_json.hpp"

#include <array>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <utility>

namespace s3link::sqlite_store {
namespace {

namespace json = boost::json;

constexpr std::array<std::pair<std::string_view, std::string s3::ObjectHeaders::*>, 6> kMembers = {{
    {"content_type", &s3::ObjectHeaders::content_type},
    {"cache_control", &s3::ObjectHeaders::cache_control},
    {"content_disposition", &s3::ObjectHeaders::content_disposition},
    {"content_encoding", &s3::ObjectHeaders::content_encoding},
    {"content_language", &s3::ObjectHeaders::content_language},
    {"expires", &s3::ObjectHeaders::expires},
}};

std::string text_of(const json::value& value) {
  const json::string* const text = value.if_string();
  return text == nullptr ? std::string() : std::string(text->data(), text->size());
}

}  // namespace

std::optional<std::string> headers_to_json(const s3::ObjectHeaders& headers) {
  json::object out;
  for (const auto& [name, member] : kMembers) {
    if (!(headers.*member).empty()) out[name] = headers.*member;
  }
  if (!headers.metadata.empty()) {
    json::array pairs;
    for (const auto& [name, value] : headers.metadata) pairs.push_back(json::array{name, value});
    out["metadata"] = std::move(pairs);
  }
  if (out.empty()) return std::nullopt;
  return json::serialize(out);
}

s3::ObjectHeaders headers_from_json(std::string_view text) {
  s3::ObjectHeaders headers;
  if (text.empty()) return headers;
  json::error_code failure;
  json::parse_options options;
  options.allow_invalid_utf8 = true;  // header values are bytes; they are given back as they came
  const json::value parsed = json::parse(text, failure, {}, options);
  const json::object* const object = parsed.if_object();
  if (failure || object == nullptr) return headers;
  for (const auto& [name, member] : kMembers) {
    if (const json::value* const value = object->if_contains(name)) headers.*member = text_of(*value);
  }
  const json::value* const metadata = object->if_contains("metadata");
  const json::array* const pairs = metadata == nullptr ? nullptr : metadata->if_array();
  if (pairs == nullptr) return headers;
  for (const json::value& pair : *pairs) {
    const json::array* const both = pair.if_array();
    if (both != nullptr && both->size() == 2) headers.metadata.emplace_back(text_of((*both)[0]), text_of((*both)[1]));
  }
  return headers;
}

}  // namespace s3link::sqlite_store
