#include "core/config/mail_address.hpp"

#include <fmt/format.h>
#include <idn2.h>

#include <algorithm>
#include <memory>
#include <string>

#include "core/base/encoding.hpp"

namespace s3link::config {
namespace {

Result<std::string> domain_in_ascii(const std::string& domain) {
  if (std::ranges::all_of(domain, [](unsigned char c) { return c < 0x80; })) return domain;
  if (!is_utf8(domain)) return fail(ErrorKind::invalid_argument, "not UTF-8");
  char* out = nullptr;
  const int code = ::idn2_to_ascii_8z(domain.c_str(), &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, decltype(&::idn2_free)> owner(out, &::idn2_free);
  if (code != IDN2_OK) return fail(ErrorKind::invalid_argument, ::idn2_strerror(code));
  return std::string(owner.get());
}

}  // namespace

Result<mail::Address> parse_mail_address(std::string_view text) {
  const auto at = text.rfind('@');
  if (at == std::string_view::npos || text.contains('\0')) return mail::Address::parse(text);
  const auto domain = domain_in_ascii(std::string(text.substr(at + 1)));
  if (!domain) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("\"{}\" is not a mail address: its domain: {}", text, domain.error().message));
  }
  return mail::Address::parse_utf8(fmt::format("{}@{}", text.substr(0, at), *domain));
}

}  // namespace s3link::config
