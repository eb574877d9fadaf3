#include "core/config/quantity.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace s3link::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
constexpr std::array<Unit, 4> kTimeUnits{{{"d", 86400}, {"h", 3600}, {"m", 60}, {"s", 1}}};
constexpr std::array<Unit, 5> kSizeUnits{
    {{"TiB", 1ULL << 40}, {"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"", 1}}};

/// Number times unit; empty for anything else, and above `max`.
template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text, const std::array<Unit, N>& units,
                                            std::uint64_t max) noexcept {
  std::uint64_t count = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (ec != std::errc{}) return std::nullopt;
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const Unit& unit : units) {
    if (suffix == unit.name) return count <= max / unit.factor ? std::optional(count * unit.factor) : std::nullopt;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string format_quantity(std::uint64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) return fmt::format("{}{}", value / unit.factor, unit.name);
  }
  return fmt::format("0{}", units.back().name);
}

}  // namespace

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  // No duration here is longer than centuries; the bound keeps sums of instants far from overflow.
  constexpr std::uint64_t kMaxSeconds = 86400ULL * 366 * 1000;
  const auto value = parse_quantity(text, kTimeUnits, kMaxSeconds);
  if (!value)
    return fail(ErrorKind::invalid_argument, "not a duration; write a whole number and s, m, h or d, like 90s");
  return std::chrono::seconds(*value);
}

std::string format_duration(std::chrono::seconds value) {
  return format_quantity(static_cast<std::uint64_t>(value.count()), kTimeUnits);
}

Result<std::uint64_t> parse_size(std::string_view text) {
  const auto value = parse_quantity(text, kSizeUnits, std::numeric_limits<std::int64_t>::max());
  if (!value) {
    return fail(ErrorKind::invalid_argument,
                "not a size; write whole bytes, or a number with KiB, MiB, GiB or TiB, like 64KiB");
  }
  return *value;
}

std::string format_size(std::uint64_t bytes) { return format_quantity(bytes, kSizeUnits); }

}  // namespace s3link::config
