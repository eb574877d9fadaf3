#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/config/settings.hpp"

// The forms single values have, one function each. All fail with invalid_argument and say what is allowed.
namespace s3link::config {

/// "host:port", "[::1]:port". `min_port` 0 allows "any free port".
Result<HostPort> parse_host_port(std::string_view text, std::uint16_t min_port);

/// An http:// or https:// URL of scheme, host and port only, written as browsers write it, who sign nothing but send
/// the Host field that was signed: in lower case, without the default port and a '/' at the end, IPv6 addresses short.
Result<std::string> parse_http_origin(std::string_view text);
/// An http:// or https:// URL without user or fragment. The error does not repeat it.
Result<std::string> parse_http_url(std::string_view text);

/// An http:// or https:// URL taken apart.
struct HttpUrl {
  std::string scheme;     ///< "http" or "https"
  HostPort peer;          ///< with the scheme's port where the URL has none
  std::string authority;  ///< as written: what the Host field says
  std::string target;     ///< path and query; "/" where there is none
};
/// Of what parse_http_url() accepts.
Result<HttpUrl> split_http_url(std::string_view text);

/// A DNS name of at least one label, in lower case.
Result<std::string> parse_domain(std::string_view text);

/// "us-east-1": lower-case letters, digits and hyphens, at most 63.
Result<std::string> parse_region(std::string_view text);

/// 3 to 128 letters, digits, '.', '_' or '-': what a credential scope can carry without escapes.
Result<std::string> parse_access_key_id(std::string_view text);

/// Printable text without line breaks, at most `max_bytes` of UTF-8.
Result<std::string> parse_line(std::string_view text, std::size_t max_bytes);

Result<std::uint64_t> parse_whole_number(std::string_view text, std::uint64_t min, std::uint64_t max);
Result<double> parse_fraction(std::string_view text);

}  // namespace s3link::config
