#include "core/mail/quoted_printable.hpp"

namespace s3link::mail {
namespace {

constexpr std::size_t kMaxLine = 76;

void append_line(std::string_view line, std::string& out) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::size_t column = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool last = i + 1 == line.size();
    const bool altered_by_relays = i == 0 && (c == '.' || line.starts_with("From "));
    const bool plain = (c > ' ' && c <= '~' && c != '=' && !altered_by_relays) || (c == ' ' && !last);
    const std::size_t width = plain ? 1 : 3;
    if (column + width > (last ? kMaxLine : kMaxLine - 1)) {
      out += "=\r\n";
      column = 0;
    }
    if (plain) {
      out += c;
    } else {
      out += '=';
      out += kHex[static_cast<unsigned char>(c) >> 4U];
      out += kHex[static_cast<unsigned char>(c) & 0x0FU];
    }
    column += width;
  }
  out += "\r\n";
}

}  // namespace

void append_quoted_printable(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    append_line(line, out);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace s3link::mail
