#include "adapters/aws/endpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "core/base/encoding.hpp"

namespace s3link::aws {
namespace {

struct Names {
  std::string_view signing, display, host, variable;
};

const Names& names_of(Service service) noexcept {
  static constexpr Names kSes{"ses", "SES", "email", "AWS_ENDPOINT_URL_SESV2"};
  static constexpr Names kDynamoDb{"dynamodb", "DynamoDB", "dynamodb", "AWS_ENDPOINT_URL_DYNAMODB"};
  static constexpr Names kSecrets{"secretsmanager", "SecretsManager", "secretsmanager",
                                  "AWS_ENDPOINT_URL_SECRETS_MANAGER"};
  static constexpr Names kS3{"s3", "S3", "s3", "AWS_ENDPOINT_URL_S3"};
  switch (service) {
    case Service::ses:
      return kSes;
    case Service::dynamodb:
      return kDynamoDb;
    case Service::secrets_manager:
      return kSecrets;
    case Service::s3:
      break;
  }
  return kS3;
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
}

bool is_region(std::string_view text) {
  return !text.empty() && text.size() <= 63 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
}

bool is_path_character(char c) { return c > 0x20 && c < 0x7F && c != '?' && c != '#' && c != '\\'; }

/// Host and port from "host:8000" or "[::1]:8000".
bool read_authority(std::string_view text, Endpoint& endpoint) {
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return false;
    endpoint.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (endpoint.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos) return false;
  } else {
    const auto colon = text.find(':');
    endpoint.host = text.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : text.substr(colon);
    if (!std::ranges::all_of(endpoint.host, is_host_character)) return false;
  }
  if (endpoint.host.empty()) return false;
  if (rest.empty()) return true;
  if (!rest.starts_with(':')) return false;
  rest.remove_prefix(1);
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), endpoint.port);
  return ec == std::errc{} && end == rest.data() + rest.size() && endpoint.port != 0;
}

std::optional<Endpoint> read_url(std::string_view url) {
  Endpoint endpoint;
  const auto colon = url.find("://");
  if (colon == std::string_view::npos) return std::nullopt;
  endpoint.scheme = to_lower(url.substr(0, colon));
  if (endpoint.scheme != "http" && endpoint.scheme != "https") return std::nullopt;
  endpoint.port = endpoint.scheme == "https" ? 443 : 80;
  url.remove_prefix(colon + 3);
  const auto slash = url.find('/');
  if (!read_authority(url.substr(0, slash), endpoint)) return std::nullopt;
  if (slash != std::string_view::npos) {
    std::string_view base = url.substr(slash);
    while (base.ends_with('/')) base.remove_suffix(1);
    if (!std::ranges::all_of(base, is_path_character) || !uri_decode(base)) return std::nullopt;
    endpoint.base = base;
  }
  endpoint.custom = true;
  return endpoint;
}

}  // namespace

std::string_view signing_name(Service service) noexcept { return names_of(service).signing; }
std::string_view display_name(Service service) noexcept { return names_of(service).display; }

std::string Endpoint::authority() const {
  const std::string shown = host.contains(':') ? '[' + host + ']' : host;
  return port == (scheme == "https" ? 443 : 80) ? shown : fmt::format("{}:{}", shown, port);
}

Result<Endpoint> endpoint_of(Service service, std::string_view region, const Variables& variables) {
  if (!is_region(region)) {
    return fail(ErrorKind::invalid_argument, fmt::format("AWS_REGION: \"{}\" is not the name of a region", region));
  }
  const Names& names = names_of(service);
  if (!equals_ignoring_case(variables("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true")) {
    for (const std::string_view variable : {names.variable, std::string_view("AWS_ENDPOINT_URL")}) {
      const std::string url = variables(variable);
      if (url.empty()) continue;
      auto endpoint = read_url(url);
      if (!endpoint) {
        return fail(ErrorKind::invalid_argument,
                    fmt::format("{}: not of the form https://host[:port][/path]", variable));
      }
      endpoint->service = service;
      return *std::move(endpoint);
    }
  }
  const std::string_view suffix = region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  return Endpoint{.service = service,
                  .scheme = "https",
                  .host = fmt::format("{}.{}{}", names.host, region, suffix),
                  .port = 443,
                  .base = {},
                  .custom = false};
}

}  // namespace s3link::aws
