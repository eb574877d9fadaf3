#include "core/s3/cache_control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

constexpr std::array<std::string_view, 4> kStrict = {"no-store", "no-cache", "no-transform", "must-revalidate"};

}  // namespace

std::string private_cache_control(std::string_view given, std::chrono::seconds left) {
  std::int64_t age = std::max<std::int64_t>(left.count(), 0);
  std::array<bool, kStrict.size()> kept{};
  while (!given.empty()) {
    const auto comma = given.find(',');
    const std::string_view directive = trim(given.substr(0, comma));
    given = comma == std::string_view::npos ? std::string_view() : given.substr(comma + 1);
    const auto equals = directive.find('=');
    const std::string_view name = directive.substr(0, equals);
    for (std::size_t i = 0; i < kStrict.size(); ++i) kept[i] = kept[i] || equals_ignoring_case(name, kStrict[i]);
    if (!equals_ignoring_case(name, "max-age") || equals == std::string_view::npos) continue;
    std::string_view value = trim(directive.substr(equals + 1));
    if (value.starts_with('"')) value.remove_prefix(1);
    std::int64_t shorter = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), shorter);
    if (error == std::errc{} && shorter >= 0) age = std::min(age, shorter);
  }
  std::string out = fmt::format("private, max-age={}", age);
  for (std::size_t i = 0; i < kStrict.size(); ++i) {
    if (kept[i]) out.append(", ").append(kStrict[i]);
  }
  return out;
}

}  // namespace s3link::s3
