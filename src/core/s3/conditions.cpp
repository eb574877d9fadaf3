#include "core/s3/conditions.hpp"

#include <chrono>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"

namespace s3link::s3 {
namespace {

std::optional<Instant> date_of(const Fields& fields, std::string_view name) {
  const std::string* const text = find_field(fields, name);
  return text == nullptr ? std::nullopt : parse_http_date(trim(*text));
}

std::string_view unquoted(std::string_view tag) {
  tag = trim(tag);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  return tag;
}

/// Our entity tags are hexadecimal with a dash: a comma always separates.
bool names(std::string_view list, std::string_view etag, bool weak_counts) {
  while (true) {
    const auto comma = list.find(',');
    std::string_view tag = trim(list.substr(0, comma));
    if (tag == "*") return true;
    const bool weak = tag.starts_with("W/");
    if (weak) tag.remove_prefix(2);
    if ((!weak || weak_counts) && unquoted(tag) == etag) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
}

Instant whole_seconds(Instant when) { return std::chrono::floor<std::chrono::seconds>(when); }

}  // namespace

ReadConditions ReadConditions::parse(const Fields& fields) {
  return {.if_match = joined_field(fields, "If-Match"),
          .if_none_match = joined_field(fields, "If-None-Match"),
          .if_modified_since = date_of(fields, "If-Modified-Since"),
          .if_unmodified_since = date_of(fields, "If-Unmodified-Since"),
          .if_range = joined_field(fields, "If-Range")};
}

ReadVerdict evaluate(const ReadConditions& conditions, std::string_view etag, Instant modified) {
  const Instant last = whole_seconds(modified);
  if (conditions.if_match) {
    if (!names(*conditions.if_match, etag, false)) return ReadVerdict::precondition_failed;
  } else if (conditions.if_unmodified_since && last > *conditions.if_unmodified_since) {
    return ReadVerdict::precondition_failed;
  }
  if (conditions.if_none_match) {
    if (names(*conditions.if_none_match, etag, true)) return ReadVerdict::not_modified;
  } else if (conditions.if_modified_since && last <= *conditions.if_modified_since) {
    return ReadVerdict::not_modified;
  }
  return ReadVerdict::proceed;
}

bool range_applies(const ReadConditions& conditions, std::string_view etag, Instant modified) {
  if (!conditions.if_range) return true;
  if (const auto date = parse_http_date(trim(*conditions.if_range))) return *date == whole_seconds(modified);
  return unquoted(*conditions.if_range) == etag;
}

Result<WriteCondition> WriteCondition::parse(const Fields& fields) {
  const auto if_match = joined_field(fields, "If-Match");
  const auto if_none_match = joined_field(fields, "If-None-Match");
  const bool dated =
      find_field(fields, "If-Modified-Since") != nullptr || find_field(fields, "If-Unmodified-Since") != nullptr;
  if (dated || (if_match && if_none_match)) return refuse(ErrorCode::not_implemented);
  if (if_none_match && trim(*if_none_match) != "*") return refuse(ErrorCode::not_implemented);
  WriteCondition condition;
  condition.if_none_exists = if_none_match.has_value();
  if (if_match) condition.if_match = std::string(unquoted(*if_match));
  return condition;
}

}  // namespace s3link::s3
