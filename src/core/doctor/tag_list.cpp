#include "core/doctor/tag_list.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::doctor {
namespace {

bool is_tag_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && letter(name[0]) &&
         std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

Result<TagList> parse_tag_list(std::string_view text) {
  TagList tags;
  while (!text.empty()) {
    const auto end = text.find(';');
    const std::string_view part = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty() && trim(text).empty()) break;  // a ';' at the end
    const auto equals = part.find('=');
    const std::string_view name = trim(part.substr(0, equals));
    if (equals == std::string_view::npos || !is_tag_name(name)) {
      return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a tag", part));
    }
    if (!tags.emplace(name, trim(part.substr(equals + 1))).second) {
      return fail(ErrorKind::invalid_argument, fmt::format("the tag {} stands there twice", name));
    }
  }
  return tags;
}

std::string_view tag_value(const TagList& tags, std::string_view name) {
  const auto found = tags.find(name);
  return found == tags.end() ? std::string_view() : std::string_view(found->second);
}

}  // namespace s3link::doctor
