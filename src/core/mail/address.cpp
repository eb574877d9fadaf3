#include "core/mail/address.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::mail {
namespace {

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_atext(char c) noexcept { return is_letter_or_digit(c) || std::string_view("!#$%&'*+-/=?^_`{|}~").contains(c); }

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

/// Without the control characters of U+0080 to U+009F.
bool is_international(std::string_view local) {
  if (!is_utf8(local)) return false;
  for (std::size_t i = 0; i + 1 < local.size(); ++i) {
    if (local[i] == '\xc2' && static_cast<unsigned char>(local[i + 1]) < 0xa0) return false;
  }
  return true;
}

/// What the characters outside ASCII are replaced by, so that the rest can be looked at.
std::string in_ascii(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, 'x');
  return out;
}

/// With its domain in lower case, so that what means the same is the same: domains ignore case, local parts may not
/// (RFC 5321 §2.4). The tag of an address literal is written as everybody writes it.
std::string canonical(std::string_view text) {
  const auto begin = text.rfind('@') + 1;
  std::string domain = to_lower(text.substr(begin));
  if (domain.starts_with("[ipv6:")) domain.replace(1, 4, "IPv6");
  return std::string(text.substr(0, begin)) + domain;
}

}  // namespace

Result<Address> Address::parse_utf8(std::string_view text) {
  const auto at = text.rfind('@');
  const std::string_view local = text.substr(0, at);
  if (at == std::string_view::npos || !is_international(local)) return parse(text);
  if (auto plain = parse(in_ascii(local) + std::string(text.substr(at))); !plain) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a mail address (name@domain)", text));
  }
  return Address(canonical(text));
}

Result<Address> Address::parse(std::string_view text) {
  const auto at = text.rfind('@');
  if (text.size() > 254 || at == std::string_view::npos || !is_dot_atom(text.substr(0, at)) ||
      !is_domain(text.substr(at + 1))) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is not a mail address (name@domain)", text));
  }
  return Address(canonical(text));
}

}  // namespace s3link::mail
