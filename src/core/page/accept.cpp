#include "core/page/accept.hpp"

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::page {
namespace {

/// RFC 9110 §5.6.2.
bool is_token(std::string_view text) noexcept {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           kMarks.find(c) != std::string_view::npos;
  });
}

/// RFC 9110 §12.4.2, in thousandths: 0 or 1, and up to three digits behind the point.
std::optional<int> parse_weight(std::string_view text) noexcept {
  if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
  if (text.size() > 1 && text[1] != '.') return std::nullopt;
  int value = text[0] == '1' ? 1'000 : 0;
  int place = 100;
  for (const char c : text.substr(std::min<std::size_t>(2, text.size()))) {
    if (c < '0' || c > '9') return std::nullopt;
    value += (c - '0') * place;
    place /= 10;
  }
  return value <= 1'000 ? std::optional(value) : std::nullopt;
}

struct Item {
  std::string_view name;
  int weight = 1'000;
};

std::string_view cut(std::string_view& rest, char separator) noexcept {
  const auto at = rest.find(separator);
  const std::string_view piece = trim(rest.substr(0, at));
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return piece;
}

/// "name;parameter=value;q=0.5". Quoted values of parameters are not taken: no browser sends them.
std::optional<Item> parse_item(std::string_view text) noexcept {
  Item item{.name = cut(text, ';')};
  while (!text.empty()) {
    std::string_view parameter = cut(text, ';');
    const std::string_view name = cut(parameter, '=');
    if (!is_token(name) || !is_token(parameter)) return std::nullopt;
    if (!equals_ignoring_case(name, "q")) continue;
    const auto weight = parse_weight(parameter);
    if (!weight) return std::nullopt;
    item.weight = *weight;
  }
  return item;
}

bool is_media_range(std::string_view text) noexcept {
  const auto slash = text.find('/');
  return slash != std::string_view::npos && is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

/// Calls `take` with each item of the list. False: too long, too many, or not of the grammar.
template <typename Take>
bool for_each_item(std::string_view list, Take take) noexcept {
  if (list.size() > kMaxAcceptBytes) return false;
  for (std::size_t count = 0; !list.empty();) {
    const std::string_view piece = cut(list, ',');
    if (piece.empty()) continue;  // RFC 9110 §5.6.1.2: empty elements are passed over
    const auto item = parse_item(piece);
    if (!item || ++count > kMaxAcceptItems || !take(*item)) return false;
  }
  return true;
}

}  // namespace

bool prefers_html(std::string_view accept) noexcept {
  int html = 0;
  int other = 0;
  const bool read = for_each_item(accept, [&](const Item& item) {
    const bool is_html = equals_ignoring_case(item.name, "text/html");
    int& best = is_html ? html : other;
    best = std::max(best, item.weight);
    return is_media_range(item.name);
  });
  return read && html > 0 && html >= other;
}

std::optional<Language> preferred_language(std::string_view accept_language) noexcept {
  std::optional<Language> best;
  int weight = 0;
  const bool read = for_each_item(accept_language, [&](const Item& item) {
    const auto language = language_of(item.name);
    if (language && item.weight > weight) {
      best = language;
      weight = item.weight;
    }
    return is_token(item.name);
  });
  return read ? best : std::nullopt;
}

}  // namespace s3link::page
