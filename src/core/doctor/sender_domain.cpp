#include "core/doctor/sender_domain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace s3link::doctor {
namespace {

constexpr std::array<std::string_view, 9> kSpecial = {"test", "example",  "invalid",   "localhost",  "local",
                                                      "lan",  "internal", "home.arpa", "localdomain"};

bool same(char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); }

bool ends_with_label(std::string_view domain, std::string_view suffix) {
  if (domain.size() <= suffix.size()) return false;
  const auto begin = domain.size() - suffix.size();
  return domain[begin - 1] == '.' && std::ranges::equal(domain.substr(begin), suffix, same);
}

}  // namespace

std::string why_no_public_records(std::string_view domain) {
  if (domain.starts_with('[')) return fmt::format("{} is an address, which has no such records", domain);
  if (!domain.contains('.')) return fmt::format("{} is a name of this machine or network only", domain);
  for (const std::string_view special : kSpecial) {
    if (ends_with_label(domain, special)) {
      return fmt::format("{} ends in .{}, which the public DNS does not have", domain, special);
    }
  }
  return {};
}

}  // namespace s3link::doctor
