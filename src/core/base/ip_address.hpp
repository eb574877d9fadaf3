#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link {

/// An IPv4 or IPv6 address. "::ffff:192.0.2.1" is the IPv4 address it stands for (RFC 4291 §2.5.5.2).
class IpAddress {
 public:
  /// "192.0.2.1": four decimal numbers without leading zeros, which some programs read as octal; or an IPv6 address
  /// (RFC 4291 §2.2), without brackets or zone.
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const noexcept;
  /// 127.0.0.0/8 and ::1.
  bool is_loopback() const noexcept;
  /// As RFC 5952 writes it: "2001:db8::1".
  std::string text() const;
  auto operator<=>(const IpAddress&) const = default;

 private:
  friend class IpNetwork;
  std::array<std::uint8_t, 16> bytes_{};  ///< IPv4 as ::ffff:0:0/96
};

/// Addresses that begin alike: "10.0.0.0/8", "2001:db8::/32", or a single one.
class IpNetwork {
 public:
  /// Errors: invalid_argument (no address, a prefix that is too long, or an address with bits behind its prefix).
  static Result<IpNetwork> parse(std::string_view text);
  bool contains(const IpAddress& address) const noexcept;

 private:
  IpAddress address_;
  unsigned bits_ = 128;  ///< of the 16 bytes
};

}  // namespace s3link
