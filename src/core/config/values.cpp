#include "core/config/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/encoding.hpp"
#include "core/base/ip_address.hpp"

namespace s3link::config {
namespace {

std::unexpected<Error> refuse(std::string message) { return fail(ErrorKind::invalid_argument, std::move(message)); }

bool is_lower_or_digit(char c) noexcept { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_letter_or_digit(char c) noexcept { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

bool is_host_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > 253) return false;
  while (true) {
    const auto dot = text.find('.');
    const std::string_view label = text.substr(0, dot);
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-' ||
        !std::ranges::all_of(label, [](char c) { return is_letter_or_digit(c) || c == '-' || c == '_'; })) {
      return false;
    }
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_ipv6(std::string_view text) noexcept {
  return text.contains(':') && text.size() <= 45 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F') || c == ':' || c == '.';
         });
}

template <class T>
bool parse_all(std::string_view text, T& value) noexcept {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size();
}

/// Host and optional port of an authority; port 0 when there is none.
std::optional<HostPort> split_authority(std::string_view text) {
  HostPort out;
  std::optional<std::string_view> port;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || !is_ipv6(text.substr(1, close - 1))) return std::nullopt;
    out.host = text.substr(1, close - 1);
    text.remove_prefix(close + 1);
    if (!text.empty() && text.front() != ':') return std::nullopt;
    if (!text.empty()) port = text.substr(1);
  } else {
    const auto colon = text.find(':');
    if (!is_host_name(text.substr(0, colon))) return std::nullopt;
    out.host = text.substr(0, colon);
    if (colon != std::string_view::npos) port = text.substr(colon + 1);
  }
  if (port && !parse_all(*port, out.port)) return std::nullopt;
  return out;
}

/// Browsers take a name whose last label is a number for an IPv4 address, in forms of their own ("010" is 8).
bool ends_in_number(std::string_view host) noexcept {
  const std::string_view last = host.substr(host.rfind('.') + 1);  // npos + 1 is 0
  const bool hexadecimal = last.starts_with("0x") && std::ranges::all_of(last.substr(2), [](char c) {
                             return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
                           });
  return hexadecimal || std::ranges::all_of(last, [](char c) { return c >= '0' && c <= '9'; });
}

struct UrlParts {
  std::string_view scheme;  ///< with "://"
  std::string_view authority;
  std::string_view rest;  ///< path and what follows
};
Result<UrlParts> split_url(std::string_view text) {
  constexpr std::string_view kHttp = "http://", kHttps = "https://";
  UrlParts out;
  out.scheme = text.starts_with(kHttps) ? kHttps : text.starts_with(kHttp) ? kHttp : "";
  if (out.scheme.empty()) return refuse("not an http:// or https:// URL");
  text.remove_prefix(out.scheme.size());
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  out.authority = text.substr(0, end);
  out.rest = text.substr(end);
  if (out.authority.contains('@')) return refuse("a user or password does not belong into this URL");
  const auto parsed = split_authority(out.authority);
  const bool has_port = out.authority.contains(':') && !out.authority.ends_with(']');
  if (!parsed || (has_port && parsed->port == 0)) return refuse("the URL's host or port is not valid");
  return out;
}

}  // namespace

std::string HostPort::text() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

Result<HostPort> parse_host_port(std::string_view text, std::uint16_t min_port) {
  const auto parsed = split_authority(text);
  const bool has_port = text.contains(':') && !text.ends_with(']');
  if (!parsed || !has_port || parsed->port < min_port) {
    return refuse(
        fmt::format("not HOST:PORT with a port from {} to 65535, like 127.0.0.1:9000 or [::1]:9000", min_port));
  }
  return *parsed;
}

Result<std::string> parse_http_origin(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return refuse("not an http:// or https:// URL");
  const std::string in_lower = to_lower(text.substr(0, colon)).append(text.substr(colon));
  const auto parts = split_url(in_lower);
  if (!parts) return std::unexpected(parts.error());
  if (!parts->rest.empty() && parts->rest != "/") {
    return refuse("only scheme, host and port are allowed, like https://files.example.org");
  }
  const HostPort peer = *split_authority(parts->authority);
  std::string host = to_lower(peer.host);
  if (host.contains(':')) {
    const auto address = IpAddress::parse(host);
    if (!address) return refuse("the URL's host is no IPv6 address");
    if (address->is_v4()) return refuse("write the host as the IPv4 address that it stands for: " + address->text());
    host = "[" + address->text() + "]";
  } else if (ends_in_number(host) && !IpAddress::parse(host)) {
    return refuse("the URL's host looks like an IPv4 address, which is four decimal numbers without leading zeros");
  }
  const bool default_port = peer.port == 0 || peer.port == (parts->scheme == "https://" ? 443 : 80);
  return fmt::format("{}{}{}", parts->scheme, host, default_port ? "" : fmt::format(":{}", peer.port));
}

Result<std::string> parse_http_url(std::string_view text) {
  const auto parts = split_url(text);
  if (!parts) return std::unexpected(parts.error());
  if (!std::ranges::all_of(parts->rest, [](unsigned char c) { return c > 0x20 && c < 0x7f && c != '#'; })) {
    return refuse("the URL has a fragment, or is not percent-encoded");
  }
  return std::string(text);
}

Result<HttpUrl> split_http_url(std::string_view text) {
  const auto checked = parse_http_url(text);
  if (!checked) return std::unexpected(checked.error());
  const auto parts = split_url(text);
  HttpUrl out;
  out.scheme = parts->scheme.substr(0, parts->scheme.find(':'));
  out.peer = *split_authority(parts->authority);
  if (out.peer.port == 0) out.peer.port = out.scheme == "https" ? 443 : 80;
  out.authority = parts->authority;
  out.target = parts->rest.starts_with('/') ? "" : "/";
  out.target += parts->rest;
  return out;
}

Result<std::string> parse_domain(std::string_view text) {
  const bool digits_only = std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  if (!is_host_name(text) || digits_only) return refuse("not a domain name, like s3.example.org");
  return to_lower(text);
}

Result<std::string> parse_region(std::string_view text) {
  if (text.empty() || text.size() > 63 ||
      !std::ranges::all_of(text, [](char c) { return is_lower_or_digit(c) || c == '-'; })) {
    return refuse("not a region: 1 to 63 lower-case letters, digits and hyphens, like us-east-1");
  }
  return std::string(text);
}

Result<std::string> parse_access_key_id(std::string_view text) {
  if (text.size() < 3 || text.size() > 128 ||
      !std::ranges::all_of(text, [](char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; })) {
    return refuse("not an access key id: 3 to 128 letters, digits, '.', '_' or '-'");
  }
  return std::string(text);
}

Result<std::string> parse_line(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes || !is_utf8(text) ||
      !std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; })) {
    return refuse(fmt::format("not one line of at most {} bytes of UTF-8", max_bytes));
  }
  return std::string(text);
}

Result<std::uint64_t> parse_whole_number(std::string_view text, std::uint64_t min, std::uint64_t max) {
  std::uint64_t value = 0;
  if (!parse_all(text, value) || value < min || value > max) {
    return refuse(fmt::format("not a whole number from {} to {}", min, max));
  }
  return value;
}

Result<double> parse_fraction(std::string_view text) {
  double value = 0;
  if (!parse_all(text, value) || !(value >= 0 && value <= 1)) return refuse("not a number from 0 to 1, like 0.25");
  return value;
}

}  // namespace s3link::config
