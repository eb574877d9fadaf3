#include "core/s3/content_disposition.hpp"

#include <algorithm>
#include <array>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

constexpr std::size_t kMaxExtension = 16;

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

/// Bytes of the first character, which is whole in UTF-8.
std::size_t character_size(std::string_view text) {
  std::size_t size = 1;
  while (size < text.size() && is_continuation(text[size])) ++size;
  return size;
}

/// Controls, bidirectional marks, embeddings, overrides and isolates, zero-width and other invisible characters.
bool is_invisible(std::string_view character) {
  if (character.size() == 1) {
    const auto byte = static_cast<unsigned char>(character.front());
    return byte < 0x20 || byte == 0x7F;
  }
  if (character.size() == 2) {
    return (character >= "\u0080" && character <= "\u009F") || character == "\u00AD" || character == "\u061C";
  }
  struct Range {
    std::string_view first, last;
  };
  constexpr std::array<Range, 6> kRanges = {{{"\u180E", "\u180E"},
                                             {"\u200B", "\u200F"},
                                             {"\u2028", "\u202E"},
                                             {"\u2060", "\u206F"},
                                             {"\uFEFF", "\uFEFF"},
                                             {"\uFFF9", "\uFFFB"}}};
  return character.size() == 3 && std::ranges::any_of(kRanges, [&](const Range& range) {
           return character >= range.first && character <= range.last;
         });
}

/// Emoji are joined by U+200D, and Persian and Indic scripts need it and U+200C: between characters outside ASCII they
/// belong to the text, and reorder nothing.
bool joins(std::string_view character, std::string_view before, std::string_view after) {
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  return (character == "\u200C" || character == "\u200D") && !before.empty() && !is_ascii(before.back()) &&
         !after.empty() && !is_ascii(after.front());
}

std::string visible(std::string_view name) {
  std::string out;
  out.reserve(name.size());
  for (std::size_t at = 0; at < name.size();) {
    const std::string_view character = name.substr(at, character_size(name.substr(at)));
    const bool hidden = is_invisible(character) && !joins(character, out, name.substr(at + character.size()));
    out += hidden ? std::string_view("_") : character;
    at += character.size();
  }
  return out;
}

/// The longest beginning of at most `max_bytes` that ends between two characters.
std::string_view begin_of(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && is_continuation(text[max_bytes])) --max_bytes;
  return text.substr(0, max_bytes);
}

}  // namespace

std::string file_name_of(std::string_view key) {
  const auto last = key.find_last_not_of('/');
  if (last == std::string_view::npos) return "download";
  key = key.substr(0, last + 1);
  return std::string(key.substr(key.rfind('/') + 1));  // npos + 1 is 0
}

std::string cut_file_name(std::string_view file_name, std::size_t max_bytes) {
  if (file_name.size() <= max_bytes) return std::string(file_name);
  const auto dot = file_name.rfind('.');
  const bool has_extension = dot != std::string_view::npos && dot > 0 && file_name.size() - dot <= kMaxExtension;
  const std::string_view extension = has_extension ? file_name.substr(dot) : std::string_view();
  if (extension.size() >= max_bytes) return {};
  const std::string_view stem =
      begin_of(file_name.substr(0, file_name.size() - extension.size()), max_bytes - extension.size());
  if (stem.empty()) return {};
  return std::string(stem).append(extension);
}

std::string attachment_disposition(std::string_view file_name) {
  const std::string name = visible(file_name);
  std::string out = "attachment; filename=\"";
  out.reserve(out.size() + 4 * name.size() + 24);
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_continuation(c)) continue;  // one '_' for each character, not for each byte
    const bool plain = byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\' && c != '/' && c != '%';
    out += plain ? c : '_';
  }
  out += "\"; filename*=UTF-8''";
  append_uri_encoded(out, name);
  return out;
}

std::string attachment_disposition(std::string_view file_name, std::size_t max_encoded_bytes) {
  std::string out = attachment_disposition(file_name);
  std::size_t kept = file_name.size();
  for (std::size_t size = uri_encode(out).size(); size > max_encoded_bytes; size = uri_encode(out).size()) {
    // A byte of the name takes 18 bytes of the URL at most, so that no step cuts too much.
    const std::size_t less = std::max<std::size_t>(1, (size - max_encoded_bytes) / 18);
    kept = kept > less ? kept - less : 0;
    const std::string cut = cut_file_name(file_name, kept);
    if (cut.empty()) return "attachment";
    out = attachment_disposition(cut);
  }
  return out;
}

}  // namespace s3link::s3
