#include "core/mail/address.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace s3link::mail {
namespace {

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_atext(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c);
}

/// Labels of letters, digits and inner hyphens, with dots between.
bool is_host_name(std::string_view text) noexcept {
  while (true) {
    const auto dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_domain(std::string_view text) noexcept {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    return std::ranges::all_of(text.substr(1, text.size() - 2),
                               [](char c) { return is_letter_or_digit(c) || c == '.' || c == ':'; });
  }
  return is_host_name(text);
}

bool is_dot_atom(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 64 && text.front() != '.' && text.back() != '.' && !text.contains("..") &&
         std::ranges::all_of(text, [](char c) { return is_atext(c) || c == '.'; });
}

}  // namespace

Result<Address> Address::parse(std::string_view text) {
  const auto at = text.rfind('@');
  if (text.size() > 254 || at == std::string_view::npos || !is_dot_atom(text.substr(0, at)) ||
      !is_domain(text.substr(at + 1))) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a mail address (name@domain)", text));
  }
  return Address(std::string(text));
}

}  // namespace s3link::mail
