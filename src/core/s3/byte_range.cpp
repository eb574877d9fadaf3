#include "core/s3/byte_range.hpp"

#include <algorithm>
#include <limits>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

/// Decimal digits; what exceeds 64 bits is as good as the largest number.
std::optional<std::uint64_t> number(std::string_view digits) {
  if (digits.empty()) return std::nullopt;
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return std::nullopt;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
  }
  return value;
}

}  // namespace

std::optional<ByteRange> ByteRange::parse(std::string_view field) {
  constexpr std::string_view kUnit = "bytes=";
  field = trim(field);
  if (!equals_ignoring_case(field.substr(0, kUnit.size()), kUnit)) return std::nullopt;
  const std::string_view range = trim(field.substr(kUnit.size()));
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto first = number(range.substr(0, dash));
  const auto last = number(range.substr(dash + 1));
  const bool from_end = dash == 0;
  const bool open = dash + 1 == range.size();
  if ((!first && !from_end) || (!last && !open) || (from_end && open)) return std::nullopt;
  if (first && last && *last < *first) return std::nullopt;
  return ByteRange(first, last);
}

std::optional<ByteSpan> ByteRange::resolve(std::uint64_t size_bytes) const noexcept {
  if (!first_) {
    const std::uint64_t length = std::min(*last_, size_bytes);
    if (length == 0) return std::nullopt;
    return ByteSpan{size_bytes - length, length};
  }
  if (*first_ >= size_bytes) return std::nullopt;
  const std::uint64_t last = last_ ? std::min(*last_, size_bytes - 1) : size_bytes - 1;
  return ByteSpan{*first_, last - *first_ + 1};
}

}  // namespace s3link::s3
