#include "core/mail/encoded_word.hpp"

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::mail {
namespace {

constexpr std::size_t kMaxLine = 76;
constexpr std::size_t kMaxWord = 75;
constexpr std::string_view kBegin = "=?utf-8?B?";
constexpr std::string_view kEnd = "?=";

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

/// How many bytes of `text` fit into an encoded word of `room` characters without cutting a character.
std::size_t fitting(std::string_view text, std::size_t room) {
  std::size_t count = std::min((room - kBegin.size() - kEnd.size()) / 4 * 3, text.size());
  while (count > 0 && count < text.size() && (static_cast<unsigned char>(text[count]) & 0xC0U) == 0x80U) --count;
  return count;
}

std::string encoded_words(std::string_view text, std::size_t column) {
  std::string out;
  std::size_t room = column + kBegin.size() + kEnd.size() + 8 > kMaxLine ? 0 : std::min(kMaxLine - column, kMaxWord);
  while (!text.empty()) {
    if (room == 0) {
      out += "\r\n ";
    } else {
      const std::size_t count = fitting(text, room);
      out += kBegin;
      out += base64_encode(text.substr(0, count));
      out += kEnd;
      text.remove_prefix(count);
      if (!text.empty()) out += "\r\n ";
    }
    room = kMaxWord;  // of the next line, behind its blank
  }
  return out;
}

bool is_phrase(std::string_view name) {
  return !name.empty() && !name.contains("=?") && name.front() != ' ' && name.back() != ' ' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ' ' || c == '-';
         });
}

}  // namespace

std::string encode_unstructured(std::string_view text, std::size_t column) {
  if (is_printable_ascii(text) && !text.contains("=?") && column + text.size() <= kMaxLine) return std::string(text);
  return encoded_words(text, column);
}

std::string encode_display_name(std::string_view name, std::size_t column) {
  if (!is_printable_ascii(name) || name.contains("=?") || column + name.size() > kMaxLine) {
    return encoded_words(name, column);
  }
  if (is_phrase(name)) return std::string(name);
  std::string out = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace s3link::mail
