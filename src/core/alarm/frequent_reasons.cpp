#include "core/alarm/frequent_reasons.hpp"

#include <algorithm>
#include <tuple>

#include "core/mail/visible_text.hpp"

namespace s3link::alarm {
namespace {

constexpr std::size_t kMostDifferent = 1'000;
constexpr std::size_t kMostBytes = 200;
constexpr std::size_t kShortestMadeUp = 6;
constexpr std::string_view kMadeUp = "…";

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_letter(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// A run of letters and digits that holds digits and is too long for a reply code: a queue id, a time, a process id.
bool is_made_up(std::string_view word) noexcept {
  return word.size() >= kShortestMadeUp && std::ranges::any_of(word, is_digit);
}

std::string without_made_up(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto* const end = std::ranges::find_if_not(text, [](char c) { return is_letter(c) || is_digit(c); });
    const std::string_view word(text.begin(), end);
    if (word.empty()) {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    out += is_made_up(word) ? kMadeUp : word;
    text.remove_prefix(word.size());
  }
  return out;
}

/// Whole characters only.
std::string cut(std::string text) {
  if (text.size() <= kMostBytes) return text;
  std::size_t end = kMostBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  text += kMadeUp;
  return text;
}

}  // namespace

void FrequentReasons::add(std::string_view kind, std::string_view message, std::uint64_t count) {
  std::string text = cut(std::string(kind) + ": " + without_made_up(mail::visible_text(message)));
  if (counts_.size() >= kMostDifferent && !counts_.contains(text)) {
    others_ += count;
  } else {
    counts_[std::move(text)] += count;
  }
}

std::vector<FrequentReason> FrequentReasons::top(std::size_t max) const {
  std::vector<FrequentReason> out;
  for (const auto& [text, count] : counts_) out.push_back({text, count});
  if (others_ > 0) out.push_back({"other reasons", others_});
  std::ranges::sort(out, [](const FrequentReason& a, const FrequentReason& b) {
    return std::tie(b.count, a.text) < std::tie(a.count, b.text);
  });
  out.resize(std::min(out.size(), max));
  return out;
}

}  // namespace s3link::alarm
