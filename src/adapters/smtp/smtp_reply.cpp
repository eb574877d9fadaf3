#include "adapters/smtp/smtp_reply.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace s3link::smtp {
namespace {

constexpr std::size_t kMaxText = 500;
constexpr unsigned kGoodbye = 221;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

void ReplyReader::clear() {
  lines_.clear();
  last_.reset();
}

void ReplyReader::read_line(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  const bool is_reply = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) &&
                        is_digit(line[2]) && (line.size() == 3 || line[3] == ' ' || line[3] == '-');
  if (!is_reply) return;

  // Of a reply in several lines the code is said once: "550 5.7.1 first line second line".
  const std::string_view said = lines_.empty() ? line : line.substr(std::min<std::size_t>(4, line.size()));
  if (!lines_.empty()) lines_ += ' ';
  for (const char c : said.substr(0, kMaxText - std::min(kMaxText, lines_.size())))
    lines_ += c >= ' ' && c <= '~' ? c : '?';
  if (line.size() > 3 && line[3] == '-') return;

  const auto code = static_cast<unsigned>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  std::string text = std::exchange(lines_, {});
  if (code == kGoodbye) return;
  if (text.size() > 3) text[3] = ' ';
  last_ = Reply{code, std::move(text)};
}

}  // namespace s3link::smtp
