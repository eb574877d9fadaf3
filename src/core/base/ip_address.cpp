#include "core/base/ip_address.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace s3link {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// A decimal number of 0 to `max` without leading zeros.
std::optional<unsigned> decimal(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool zeros = text.size() > 1 && text.front() == '0';
  if (error != std::errc{} || end != text.data() + text.size() || zeros || value > max) return std::nullopt;
  return value;
}

bool parse_v4(std::string_view text, std::uint8_t* out) {
  for (int part = 0; part < 4; ++part) {
    const auto dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return false;
    const auto value = decimal(text.substr(0, dot), 255);
    if (!value) return false;
    *out++ = static_cast<std::uint8_t>(*value);
    if (part < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

/// The groups of one side of "::", into `out`; how many bytes, or none where it is malformed.
std::optional<std::size_t> parse_groups(std::string_view text, bool last, std::array<std::uint8_t, 16>& out) {
  std::size_t size = 0;
  while (!text.empty()) {
    const auto colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == std::string_view::npos && last && group.contains('.')) {
      if (size > 12 || !parse_v4(group, out.data() + size)) return std::nullopt;
      return size + 4;
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
    if (error != std::errc{} || end != group.data() + group.size() || group.size() > 4 || size > 14) {
      return std::nullopt;
    }
    out[size++] = static_cast<std::uint8_t>(value >> 8U);
    out[size++] = static_cast<std::uint8_t>(value & 0xFFU);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;
  }
  return size;
}

bool parse_v6(std::string_view text, std::array<std::uint8_t, 16>& out) {
  std::array<std::uint8_t, 16> front{};
  std::array<std::uint8_t, 16> back{};
  const auto gap = text.find("::");
  if (gap == std::string_view::npos) {
    const auto size = parse_groups(text, true, front);
    out = front;
    return size == 16;
  }
  const auto before = parse_groups(text.substr(0, gap), false, front);
  const auto after = parse_groups(text.substr(gap + 2), true, back);
  if (!before || !after || *before + *after > 14) return false;
  std::copy_n(front.begin(), *before, out.begin());
  std::copy_n(back.begin(), *after, out.end() - static_cast<std::ptrdiff_t>(*after));
  return true;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress out;
  if (text.contains(':')) {
    if (!parse_v6(text, out.bytes_)) return std::nullopt;
    return out;
  }
  std::ranges::copy(kMapped, out.bytes_.begin());
  if (!parse_v4(text, out.bytes_.data() + kMapped.size())) return std::nullopt;
  return out;
}

bool IpAddress::is_v4() const noexcept { return std::equal(kMapped.begin(), kMapped.end(), bytes_.begin()); }

bool IpAddress::is_loopback() const noexcept {
  if (is_v4()) return bytes_[12] == 127;
  return bytes_.back() == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](std::uint8_t byte) { return byte == 0; });
}

std::string IpAddress::text() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes_[12], bytes_[13], bytes_[14], bytes_[15]);
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = bytes_[2 * i] * 256U + bytes_[2 * i + 1];
  // The first longest run of at least two zero groups becomes "::".
  std::size_t begin = 8;
  std::size_t length = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t run = 0;
    while (i + run < 8 && groups[i + run] == 0) ++run;
    if (run > length) {
      begin = i;
      length = run;
    }
  }
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == begin) {
      out += "::";
      i += length - 1;
      continue;
    }
    if (!out.empty() && !out.ends_with(':')) out += ':';
    out += fmt::format("{:x}", groups[i]);
  }
  return out;
}

Result<IpNetwork> IpNetwork::parse(std::string_view text) {
  const auto refuse = [] {
    return fail(ErrorKind::invalid_argument,
                "not an address or a network, like 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32");
  };
  const auto slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return refuse();
  IpNetwork out;
  out.address_ = *address;
  if (slash == std::string_view::npos) return out;
  const bool v4 = !text.contains(':');
  const auto bits = decimal(text.substr(slash + 1), v4 ? 32 : 128);
  if (!bits) return refuse();
  out.bits_ = *bits + (v4 ? 96 : 0);
  for (unsigned bit = out.bits_; bit < 128; ++bit) {
    if ((out.address_.bytes_[bit / 8] >> (7U - bit % 8U) & 1U) != 0) {
      return fail(ErrorKind::invalid_argument, "the address has bits behind the network's prefix");
    }
  }
  return out;
}

bool IpNetwork::contains(const IpAddress& address) const noexcept {
  const auto whole = static_cast<std::ptrdiff_t>(bits_ / 8);
  if (!std::equal(address_.bytes_.begin(), address_.bytes_.begin() + whole, address.bytes_.begin())) return false;
  if (bits_ % 8 == 0) return true;
  const unsigned shift = 8 - bits_ % 8;
  const auto at = static_cast<std::size_t>(whole);
  return address_.bytes_[at] >> shift == address.bytes_[at] >> shift;
}

}  // namespace s3link
