#include "core/sigv4/sign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

/// Changed or added on the way by HTTP clients and proxies, so not signed.
constexpr std::array<std::string_view, 13> kUnsigned = {"accept-encoding",
                                                        "authorization",
                                                        "connection",
                                                        "content-length",
                                                        "expect",
                                                        "keep-alive",
                                                        "te",
                                                        "trailer",
                                                        "upgrade",
                                                        "user-agent",
                                                        "proxy-authorization",
                                                        "transfer-encoding",
                                                        "x-amzn-trace-id"};

bool has(const Fields& fields, std::string_view name) {
  return std::ranges::any_of(fields, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
}

void set(Fields& fields, std::string_view name, std::string value) {
  std::erase_if(fields, [&](const auto& field) { return equals_ignoring_case(field.first, name); });
  fields.emplace_back(name, std::move(value));
}

SignedHeaders names_to_sign(const Fields& fields) {
  SignedHeaders names;
  for (const auto& [name, value] : fields) {
    std::string lower = to_lower(name);
    if (std::ranges::find(kUnsigned, lower) == kUnsigned.end()) names.push_back(std::move(lower));
  }
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

}  // namespace

ChunkSigner sign_request(OutgoingRequest& request, const Credentials& credentials, std::string_view region,
                         std::string_view service, std::string_view payload_hash, Instant now) {
  SigningKeyCache keys(credentials.secret_access_key);
  return sign_request(request, credentials, keys, region, service, payload_hash, now);
}

ChunkSigner sign_request(OutgoingRequest& request, const Credentials& credentials, SigningKeyCache& keys,
                         std::string_view region, std::string_view service, std::string_view payload_hash,
                         Instant now) {
  const auto target = parse_target(request.target);
  if (!target) throw std::invalid_argument("cannot sign a request target that is not a path");
  const bool is_s3 = service == "s3";

  if (!has(request.fields, "host")) request.fields.emplace_back("Host", request.host);
  set(request.fields, "x-amz-date", amz_date(now));
  if (is_s3) set(request.fields, "x-amz-content-sha256", std::string(payload_hash));
  if (!credentials.session_token.empty()) {
    set(request.fields, "x-amz-security-token", std::string(credentials.session_token.reveal()));
  }

  const SignedHeaders names = names_to_sign(request.fields);
  const OrderedFields fields = in_signed_order(request.fields);
  const std::string canonical =
      canonical_request({.method = request.method,
                         .path = canonical_path(target->path, is_s3 ? PathEncoding::once : PathEncoding::twice),
                         .query = canonical_query(target->query),
                         .fields = fields,
                         .signed_headers = names,
                         .payload_hash = payload_hash});
  const CredentialScope scope = scope_of(now, region, service);
  SigningKey key = keys.get(scope);
  std::string signed_with = signature(key, string_to_sign(now, scope, canonical));
  set(request.fields, "Authorization",
      fmt::format("{} Credential={}/{},SignedHeaders={},Signature={}", kAlgorithm, credentials.access_key_id,
                  scope.text(), join(names), signed_with));
  return {std::move(key), now, scope, std::move(signed_with)};
}

}  // namespace s3link::sigv4
