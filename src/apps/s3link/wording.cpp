#include "apps/s3link/wording.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/base/encoding.hpp"
#include "core/mail/visible_text.hpp"

namespace s3link::app {

std::string size_in_words(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  for (; value >= 999.95 && unit + 1 < kUnits.size(); ++unit) value /= 1000;
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string duration_in_words(std::chrono::milliseconds value) {
  using namespace std::chrono;
  if (value >= 48h) return fmt::format("{} d", duration_cast<days>(value).count());
  if (value >= 120min) return fmt::format("{} h", duration_cast<hours>(value).count());
  if (value >= 120s) return fmt::format("{} min", duration_cast<minutes>(value).count());
  return fmt::format("{} s", std::max<std::int64_t>(duration_cast<seconds>(value).count(), 0));
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

std::string quoted_for_shell(const std::string& text) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '.' ||
           c == '-' || c == '_';
  };
  if (std::ranges::all_of(text, is_plain)) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string instant_in_words(Instant when) {
  std::string out = iso8601(when);  // 2026-12-08T14:00:05.000Z
  out.resize(19);
  out[10] = ' ';
  return out + " UTC";
}

std::string printable(std::string_view text, std::size_t max_characters) {
  const bool utf8 = is_utf8(text);
  std::string out;
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool continues = utf8 && (byte & 0xc0) == 0x80;
    if (!continues && ++characters > max_characters) return out + "…";
    const std::size_t length = !utf8 || byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    if (length > 1 && mail::is_invisible(text.substr(i, length))) {
      out += '?';
      i += length - 1;
    } else {
      out += byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8) ? '?' : text[i];
    }
  }
  return out;
}

}  // namespace s3link::app
