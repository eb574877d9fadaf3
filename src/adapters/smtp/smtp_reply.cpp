#include "adapters/smtp/smtp_reply.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "core/base/foreign_text.hpp"

namespace s3link::smtp {
namespace {

constexpr std::size_t kMaxText = 500;
constexpr std::size_t kMaxLines = 200;
constexpr std::size_t kMaxLine = 4096;
constexpr unsigned kGoodbye = 221;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "5.7.1 ", with which every line of a reply may begin (RFC 2034 §4); empty: it does not.
std::string enhanced_code_of(std::string_view line) {
  const auto end = line.find(' ');
  if (end == std::string_view::npos || end > 9 || line.size() < 2 || line[1] != '.') return {};
  const bool is_code = std::ranges::all_of(line.substr(0, end), [](char c) { return is_digit(c) || c == '.'; });
  return is_code ? std::string(line.substr(0, end + 1)) : std::string();
}

}  // namespace

void ReplyReader::clear() {
  text_.clear();
  lines_.clear();
  last_.reset();
}

ReplyReader::Line ReplyReader::read_line(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const bool is_reply = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) &&
                        is_digit(line[2]) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
  if (!is_reply) return Line::malformed;

  std::string_view rest = line.substr(std::min<std::size_t>(4, line.size()));
  if (lines_.size() < kMaxLines) lines_.emplace_back(rest.substr(0, kMaxLine));
  // Of a reply in several lines the code is said once: "550 5.7.1 first line second line".
  if (text_.empty()) {
    text_ = line;
    enhanced_ = enhanced_code_of(rest);
  } else if (text_.size() < kMaxLine) {
    if (!enhanced_.empty() && rest.starts_with(enhanced_)) rest.remove_prefix(enhanced_.size());
    text_.append(" ").append(rest);
  }
  if (line.size() > 3 && line[3] == '-') return Line::unfinished;

  const auto code = static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  std::string text = foreign_line(std::exchange(text_, {}), kMaxText);
  auto lines = std::exchange(lines_, {});
  if (code == kGoodbye) return Line::complete;
  if (text.size() > 3) text[3] = ' ';
  last_ = Reply{code, std::move(text), std::move(lines)};
  return Line::complete;
}

}  // namespace s3link::smtp
