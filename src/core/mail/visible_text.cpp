#include "core/mail/visible_text.hpp"

#include <algorithm>
#include <array>

#include "core/base/encoding.hpp"

namespace s3link::mail {
namespace {

constexpr std::string_view kEllipsis = "…";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::size_t kMaxExtensionBytes = 16;  // with its dot

/// The first character of a text that is not empty: its bytes, one byte where they are not UTF-8.
std::string_view first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const std::string_view character = text.substr(0, length);
  return is_utf8(character) ? character : text.substr(0, 1);
}

char32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  if (character.size() == 1) return lead;
  char32_t value = lead & (0xFFU >> (character.size() + 1));
  for (const char c : character.substr(1)) value = (value << 6U) | (static_cast<unsigned char>(c) & 0x3FU);
  return value;
}

struct Range {
  char32_t first, last;
};
bool in_any(char32_t c, const auto& ranges) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

/// Controls, soft hyphen, bidirectional marks and overrides, zero-width spaces, separators, interlinear and tag
/// controls.
constexpr std::array kInvisible = {Range{0x00, 0x1F},     Range{0x7F, 0x9F},     Range{0xAD, 0xAD},
                                   Range{0x61C, 0x61C},   Range{0x180E, 0x180E}, Range{0x200B, 0x200B},
                                   Range{0x200E, 0x200F}, Range{0x2028, 0x202E}, Range{0x2060, 0x206F},
                                   Range{0xFEFF, 0xFEFF}, Range{0xFFF9, 0xFFFB}, Range{0xE0001, 0xE0001}};

/// What belongs to the character before it: combining marks, variation selectors, skin tones, the joiner.
constexpr std::array kAttached = {Range{0x300, 0x36F},   Range{0x1AB0, 0x1AFF},  Range{0x1DC0, 0x1DFF},
                                  Range{0x200D, 0x200D}, Range{0x20D0, 0x20FF},  Range{0xFE00, 0xFE0F},
                                  Range{0xFE20, 0xFE2F}, Range{0x1F3FB, 0x1F3FF}};
constexpr char32_t kJoiner = 0x200D;

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The first `count` characters, less where that would cut something in two.
std::string_view head(std::string_view text, std::size_t count) {
  std::size_t end = 0;
  std::size_t whole = 0;  // the last place where nothing is cut
  char32_t before = 0;
  for (std::size_t i = 0; end < text.size(); ++i) {
    const std::string_view character = first_character(text.substr(end));
    const char32_t c = code_point(character);
    if (!in_any(c, kAttached) && before != kJoiner) whole = end;
    if (i == count) return text.substr(0, whole > 0 ? whole : end);
    before = c;
    end += character.size();
  }
  return text;
}

}  // namespace

std::string visible_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view character = first_character(text);
    text.remove_prefix(character.size());
    if (character.size() == 1 && static_cast<unsigned char>(character[0]) >= 0x80) {
      out += kReplacement;
      continue;
    }
    const char32_t c = code_point(character);
    if (c == '\t' || c == '\n' || c == '\r' || c == 0x85 || c == 0x2028 || c == 0x2029) {
      if (!out.ends_with(' ')) out += ' ';
    } else if (!in_any(c, kInvisible)) {
      out += character;
    }
  }
  return std::string(trim(out));
}

bool is_invisible(std::string_view character) { return in_any(code_point(character), kInvisible); }

std::string display_file_name(std::string_view key) {
  while (key.ends_with('/')) key.remove_suffix(1);
  std::string name = visible_text(key.substr(key.rfind('/') + 1));
  if (name.empty()) return "file";
  const std::size_t length = count_characters(name);
  if (length <= kMaxFileNameCharacters) return name;

  std::string_view extension;
  const auto dot = name.rfind('.');
  if (dot != std::string::npos && dot > 0 && name.size() - dot <= kMaxExtensionBytes) {
    extension = std::string_view(name).substr(dot);
  }
  const std::size_t rest = kMaxFileNameCharacters - 1 - count_characters(extension);
  return std::string(head(name, rest)) + std::string(kEllipsis) + std::string(extension);
}

}  // namespace s3link::mail
