#include "core/config/organisation.hpp"

#include <idn2.h>
#include <libpsl.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace s3link::config {
namespace {

constexpr std::string_view kProgram = "s3link";

/// An address, with or without brackets.
bool is_ip_address(std::string_view domain) {
  return domain.starts_with('[') ||
         std::ranges::all_of(domain.substr(domain.rfind('.') + 1), [](char c) { return c >= '0' && c <= '9'; });
}

std::string decoded(const std::string& a_label) {
  char* out = nullptr;
  const int code = ::idn2_to_unicode_8z8z(a_label.c_str(), &out, 0);
  const std::unique_ptr<char, decltype(&::idn2_free)> owner(out, &::idn2_free);
  return code == IDN2_OK ? std::string(owner.get()) : std::string(kProgram);
}

}  // namespace

std::string organisation_of(const mail::Address& address) {
  const std::string domain(address.domain());
  if (is_ip_address(domain)) return std::string(kProgram);
  const char* const registrable = ::psl_registrable_domain(::psl_builtin(), domain.c_str());
  if (registrable == nullptr) return std::string(kProgram);
  const std::string_view name = registrable;
  std::string label(name.substr(0, name.find('.')));
  if (label == "localhost") return std::string(kProgram);
  return label.starts_with("xn--") ? decoded(label) : label;
}

}  // namespace s3link::config
