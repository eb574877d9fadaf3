#include "core/base/encoding.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

namespace s3link {
namespace {

constexpr char kLowerHex[] = "0123456789abcdef";
constexpr char kUpperHex[] = "0123456789ABCDEF";

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_unreserved(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

void append_escaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += kUpperHex[byte >> 4];
  out += kUpperHex[byte & 15];
}

/// What a byte is written as, its length in `text[3]`.
struct Escape {
  char text[4];
};
using Escapes = std::array<Escape, 256>;

constexpr Escapes all_escaped_but_unreserved_and(std::string_view also_plain) {
  Escapes out{};
  for (std::size_t byte = 0; byte < out.size(); ++byte) {
    const char c = static_cast<char>(byte);
    const bool plain = is_unreserved(c) || also_plain.contains(c);
    out[byte] = plain ? Escape{{c, 0, 0, 1}} : Escape{{'%', kUpperHex[byte >> 4], kUpperHex[byte & 15], 3}};
  }
  return out;
}
constexpr Escapes kSegment = all_escaped_but_unreserved_and("");
constexpr Escapes kPath = all_escaped_but_unreserved_and("/");

/// Without a branch on the characters, which in names and tokens cannot be predicted: four bytes are written for each,
/// and the next ones go over those too many.
void append_encoded(std::string& out, std::string_view text, const Escapes& escapes) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + 3 * text.size() + 1, [&](char* buffer, std::size_t) {
    char* to = buffer + before;
    for (const char c : text) {
      const Escape& escape = escapes[static_cast<unsigned char>(c)];
      std::memcpy(to, escape.text, 4);
      to += escape.text[3];
    }
    return to - buffer;
  });
}

std::string encode(std::string_view text, const Escapes& escapes) {
  std::string out;
  append_encoded(out, text, escapes);
  return out;
}

std::optional<std::string> decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_value(text[i + 1]);
      const int low = hex_value(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

}  // namespace

std::string hex_encode(std::string_view bytes) {
  std::string out;
  out.resize_and_overwrite(bytes.size() * 2, [bytes](char* to, std::size_t) {
    for (const char c : bytes) {
      const auto byte = static_cast<unsigned char>(c);
      *to++ = kLowerHex[byte >> 4];
      *to++ = kLowerHex[byte & 15];
    }
    return bytes.size() * 2;  // libstdc++ 12 passes the capacity, not the size asked for
  });
  return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string base64_encode(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock adds a NUL
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.empty()) return std::string();
  std::string out(text.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(length) - padding);
  if (base64_encode(out) != text) return std::nullopt;  // white space, stray bits, padding in the middle
  return out;
}

void append_uri_encoded(std::string& out, std::string_view text) { append_encoded(out, text, kSegment); }
std::string uri_encode(std::string_view text) { return encode(text, kSegment); }
std::string uri_encode_path(std::string_view path) { return encode(path, kPath); }
std::optional<std::string> uri_decode(std::string_view text) { return decode(text, false); }

std::string form_encode_key(std::string_view key) {
  std::string out;
  out.reserve(key.size() + 8);
  for (const char c : key) {
    if (c == ' ') {
      out += '+';
    } else if (c == '~') {
      append_escaped(out, c);
    } else if (is_unreserved(c) || c == '/' || c == '*') {
      out += c;
    } else {
      append_escaped(out, c);
    }
  }
  return out;
}

std::optional<std::string> form_decode(std::string_view text) { return decode(text, true); }

bool is_utf8(std::string_view text) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(text.data());
  const auto* const end = p + text.size();
  while (p != end) {
    const unsigned char first = *p++;
    if (first < 0x80) continue;
    int more = 0;
    std::uint32_t code = 0;
    std::uint32_t least = 0;
    if (first >= 0xC2 && first <= 0xDF) {
      more = 1, code = first & 0x1FU, least = 0x80;
    } else if (first >= 0xE0 && first <= 0xEF) {
      more = 2, code = first & 0x0FU, least = 0x800;
    } else if (first >= 0xF0 && first <= 0xF4) {
      more = 3, code = first & 0x07U, least = 0x10000;
    } else {
      return false;
    }
    for (; more > 0; --more) {
      if (p == end || (*p & 0xC0U) != 0x80) return false;
      code = (code << 6) | (*p++ & 0x3FU);
    }
    if (code < least || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return false;
  }
  return true;
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trim(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace s3link
