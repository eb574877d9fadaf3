#include "core/sigv4/authorization.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

/// Where the signature stands decides code and beginning of what is said about it.
struct Place {
  std::string_view code;
  std::string_view credential_prefix;
  std::string_view prefix;

  std::unexpected<Error> bad_credential(std::string_view what) const {
    return fail(ErrorKind::invalid_argument, std::string(credential_prefix).append(what), std::string(code));
  }
  std::unexpected<Error> bad(std::string_view what) const {
    return fail(ErrorKind::invalid_argument, std::string(prefix).append(what), std::string(code));
  }
};

constexpr Place kHeader = {"AuthorizationHeaderMalformed", "The authorization header is malformed; ",
                           "The authorization header is malformed; "};
constexpr Place kQuery = {"AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter; ", ""};

/// What a client sent, cut for a message.
std::string_view shown(std::string_view text) { return text.substr(0, 64); }

bool is_day(std::string_view text) {
  return text.size() == 8 && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// "AKID/20130524/us-east-1/s3/aws4_request", read from its end: a key id may hold a '/'.
Status read_credential(std::string_view text, const CredentialScope& want, const Place& place, Authorization& out) {
  std::array<std::string_view, 4> parts;
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    const auto slash = text.rfind('/');
    if (slash == std::string_view::npos) {
      return place.bad_credential(
          "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".");
    }
    *part = text.substr(slash + 1);
    text = text.substr(0, slash);
  }
  const auto [date, region, service, terminal] = parts;
  if (text.empty()) return place.bad_credential("the access key id is missing.");
  if (terminal != kScopeTerminal) {
    return place.bad_credential(
        fmt::format("incorrect terminal \"{}\". This endpoint uses \"aws4_request\".", shown(terminal)));
  }
  if (service != want.service) {
    return place.bad_credential(
        fmt::format("incorrect service \"{}\". This endpoint belongs to \"{}\".", shown(service), want.service));
  }
  if (region != want.region) {
    return place.bad_credential(fmt::format("the region '{}' is wrong; expecting '{}'", shown(region), want.region));
  }
  if (!is_day(date)) {
    return place.bad_credential(fmt::format(
        "incorrect date format \"{}\". This date in the credential must be in the format \"yyyyMMdd\".", shown(date)));
  }
  out.access_key_id = text;
  out.scope = {std::string(date), std::string(region), std::string(service)};
  return {};
}

bool is_header_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

/// "host;x-amz-date", in the order of their bytes. Source: Amazon S3 API Reference, "Signature Calculations for the
/// Authorization Header": "You must sort the header names by character code".
Status read_signed_headers(std::string_view text, const Place& place, Authorization& out) {
  const auto separators = static_cast<std::size_t>(std::ranges::count(text, ';'));
  if (separators >= kMaxSignedHeaders) return place.bad("SignedHeaders holds too many names.");
  out.signed_headers.reserve(separators + 1);
  while (true) {
    const auto end = text.find(';');
    const std::string_view name = text.substr(0, end);
    if (!is_header_name(name)) return place.bad("SignedHeaders must be names in lower case, separated by ';'.");
    if (!out.signed_headers.empty()) {
      const std::string& last = out.signed_headers.back();
      if (last == name) return place.bad("SignedHeaders holds a name twice.");
      if (last > name) return place.bad("SignedHeaders must be sorted by character code.");
    }
    out.signed_headers.emplace_back(name);
    if (end == std::string_view::npos) return {};
    text = text.substr(end + 1);
  }
}

Status check_scheme(std::string_view scheme) {
  if (scheme == kAlgorithm) return {};
  if (scheme.starts_with("AWS")) {
    return fail(ErrorKind::invalid_argument,
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
                "InvalidRequest");
  }
  return fail(ErrorKind::invalid_argument, "Unsupported Authorization Type", "InvalidArgument");
}

}  // namespace

Result<Authorization> parse_authorization_header(std::string_view value, const CredentialScope& want) {
  value = trim(value);
  const auto blank = value.find(' ');
  if (auto known = check_scheme(value.substr(0, blank)); !known) return std::unexpected(known.error());

  std::string_view credential;
  std::string_view signed_headers;
  std::string_view signature;
  std::string_view rest = blank == std::string_view::npos ? std::string_view() : value.substr(blank + 1);
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string_view component = trim(rest.substr(0, comma));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
    const auto equals = component.find('=');
    const std::string_view name = component.substr(0, equals);
    std::string_view* const slot = name == "Credential"      ? &credential
                                   : name == "SignedHeaders" ? &signed_headers
                                   : name == "Signature"     ? &signature
                                                             : nullptr;
    if (slot == nullptr || equals == std::string_view::npos || !slot->empty()) {
      return kHeader.bad(
          "the authorization header requires three components: Credential, SignedHeaders, and Signature.");
    }
    *slot = component.substr(equals + 1);
  }
  if (credential.empty()) return kHeader.bad("missing Credential.");
  if (signed_headers.empty()) return kHeader.bad("missing SignedHeaders.");
  if (signature.empty()) return kHeader.bad("missing Signature.");

  Authorization out;
  if (auto ok = read_credential(credential, want, kHeader, out); !ok) return std::unexpected(ok.error());
  if (auto ok = read_signed_headers(signed_headers, kHeader, out); !ok) return std::unexpected(ok.error());
  out.signature = signature;
  return out;
}

Result<QueryAuthorization> find_query_authorization(const Fields& query) {
  QueryAuthorization out;
  const std::array<std::pair<std::string_view, std::string_view*>, 8> slots = {{
      {"X-Amz-Algorithm", &out.algorithm},
      {"X-Amz-Credential", &out.credential},
      {"X-Amz-Date", &out.date},
      {"X-Amz-Expires", &out.expires},
      {"X-Amz-SignedHeaders", &out.signed_headers},
      {"X-Amz-Signature", &out.signature},
      {"X-Amz-Security-Token", &out.security_token},
      {"X-Amz-Content-Sha256", &out.content_sha256},
  }};
  std::array<bool, slots.size()> seen{};
  for (const auto& [name, value] : query) {
    const auto slot = std::ranges::find(slots, name, &std::pair<std::string_view, std::string_view*>::first);
    if (slot == slots.end()) continue;
    if (std::exchange(seen[static_cast<std::size_t>(slot - slots.begin())], true)) {
      return kQuery.bad(fmt::format("{} is given twice.", name));
    }
    *slot->second = value;
  }
  return out;
}

Result<Authorization> parse_query_authorization(const QueryAuthorization& query, const CredentialScope& want) {
  if (query.algorithm.empty() || query.credential.empty() || query.signature.empty() || query.date.empty() ||
      query.signed_headers.empty() || query.expires.empty()) {
    return kQuery.bad(
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, "
        "X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.");
  }
  if (query.algorithm != kAlgorithm) return kQuery.bad("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"");
  Authorization out;
  if (auto ok = read_credential(query.credential, want, kQuery, out); !ok) return std::unexpected(ok.error());
  if (auto ok = read_signed_headers(query.signed_headers, kQuery, out); !ok) return std::unexpected(ok.error());
  out.signature = query.signature;
  return out;
}

}  // namespace s3link::sigv4
