#include "core/sigv4/verify.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/sigv4/presign.hpp"

namespace s3link::sigv4 {
namespace {

std::unexpected<Error> denied(std::string_view code, std::string message) {
  return fail(ErrorKind::denied, std::move(message), std::string(code));
}

std::unexpected<Error> invalid(std::string_view code, std::string message) {
  return fail(ErrorKind::invalid_argument, std::move(message), std::string(code));
}

/// The fields the verification itself looks at; null where missing.
struct AuthFields {
  const std::string* authorization = nullptr;
  const std::string* amz_date = nullptr;
  const std::string* date = nullptr;
  const std::string* content_sha256 = nullptr;
  const std::string* security_token = nullptr;
  const std::string* host = nullptr;
};

Result<AuthFields> find_auth_fields(const Fields& fields) {
  AuthFields out;
  const std::array<std::pair<std::string_view, const std::string**>, 6> slots = {{
      {"authorization", &out.authorization},
      {"x-amz-date", &out.amz_date},
      {"date", &out.date},
      {"x-amz-content-sha256", &out.content_sha256},
      {"x-amz-security-token", &out.security_token},
      {"host", &out.host},
  }};
  for (const auto& [name, value] : fields) {
    const auto slot = std::ranges::find_if(slots, [&](const auto& s) { return equals_ignoring_case(s.first, name); });
    if (slot == slots.end()) continue;
    if (*slot->second != nullptr)
      return invalid("InvalidArgument", fmt::format("The header {} is given twice.", slot->first));
    *slot->second = &value;
  }
  return out;
}

Status check_size(const RequestView& request) {
  std::size_t bytes = request.method.size() + request.target.size();
  for (const auto& [name, value] : request.fields) bytes += name.size() + value.size();
  if (bytes > Verifier::kMaxHeadBytes || request.fields.size() > Verifier::kMaxFields) {
    return invalid("InvalidRequest", "Your request header section exceeds the maximum allowed size.");
  }
  if (std::ranges::count(request.target, '&') >= static_cast<std::ptrdiff_t>(Verifier::kMaxParameters)) {
    return invalid("InvalidRequest", "Your request has too many query parameters.");
  }
  return {};
}

struct Payload {
  PayloadKind kind;
  std::string_view hash;         ///< as the client states it
  std::string_view signed_hash;  ///< as it stands in the canonical request
};

Result<Payload> read_payload(std::string_view hash) {
  static constexpr std::array<std::pair<std::string_view, PayloadKind>, 4> kNames = {{
      {kUnsignedPayload, PayloadKind::unsigned_payload},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", PayloadKind::streaming_signed},
      {"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", PayloadKind::streaming_signed_trailer},
      {"STREAMING-UNSIGNED-PAYLOAD-TRAILER", PayloadKind::streaming_unsigned_trailer},
  }};
  const auto named = std::ranges::find(kNames, hash, &std::pair<std::string_view, PayloadKind>::first);
  if (named != kNames.end()) return Payload{named->second, hash, hash};
  if (hash.size() == 64 && hex_decode(hash)) return Payload{PayloadKind::signed_hash, hash, hash};
  return invalid("InvalidArgument",
                 "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                 "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 "
                 "value.");
}

/// Fields that begin with x-amz- and change nothing, so that they may come unsigned: what proxies and content networks
/// add on the way (CloudFront), what clients send back from an answer, and what the signature holds anyway, or the
/// query says (date, payload hash).
constexpr std::array<std::string_view, 7> kUnsignedAllowed = {"x-amz-cf-id",     "x-amz-cf-pop", "x-amz-content-sha256",
                                                              "x-amz-date",      "x-amz-id-2",   "x-amz-request-id",
                                                              "x-amz-user-agent"};

/// What is signed has to be there; these may be empty fields instead, which curl signs and does not send ("-H
/// Expect:").
constexpr std::array<std::string_view, 3> kMayBeMissing = {"accept", "content-type", "expect"};

/// The host and everything that begins with x-amz- can change what a request does, so it has to be signed.
Status check_signed_headers(std::span<const OrderedField> fields, const SignedHeaders& signed_headers) {
  std::string_view missing;
  std::string_view not_signed = std::ranges::binary_search(signed_headers, std::string_view("host")) ? "" : "host";
  match_names(
      signed_headers, fields, compare_names,
      [&](const std::string& name, std::span<const OrderedField> found) {
        const bool may = std::ranges::find(kMayBeMissing, name) != kMayBeMissing.end();
        if (found.empty() && !may && missing.empty()) missing = name;
      },
      [&](const OrderedField& field) {
        const bool counts = field.name.starts_with("x-amz-") &&
                            std::ranges::find(kUnsignedAllowed, field.name) == kUnsignedAllowed.end();
        if (counts && not_signed.empty()) not_signed = field.name;
      });
  if (!not_signed.empty()) {
    return denied("AccessDenied", fmt::format("There were headers present in the request which were not signed: {}",
                                              not_signed.substr(0, 64)));
  }
  if (!missing.empty()) {
    return denied("SignatureDoesNotMatch",
                  fmt::format("The header {} was signed and is not there. A proxy in between may "
                              "have removed it.",
                              missing.substr(0, 64)));
  }
  return {};
}

Status check_token(const Credentials& credentials, const std::string* in_field, std::string_view in_query) {
  const bool given = in_field != nullptr || !in_query.empty();
  const bool twice = in_field != nullptr && !in_query.empty();
  const std::string_view token = in_field != nullptr ? std::string_view(*in_field) : in_query;
  const std::string_view want = credentials.session_token.reveal();
  if (twice || given == want.empty() || (given && !constant_time_equal(token, want))) {
    return invalid("InvalidToken", "The provided token is malformed or otherwise invalid.");
  }
  return {};
}

struct Presigned {
  Instant signed_at;
  Instant expires_at;
};

Result<Presigned> read_validity(const QueryAuthorization& query, Instant now) {
  const auto signed_at = parse_amz_date(query.date);
  if (!signed_at) {
    return invalid("AuthorizationQueryParametersError",
                   "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
  }
  const auto expires = ExpiresIn::parse(query.expires);
  if (!expires) return std::unexpected(expires.error());
  if (*signed_at > now + Verifier::kMaxSkew) return denied("AccessDenied", "Request is not valid yet");
  const Instant expires_at = *signed_at + expires->value();
  if (now >= expires_at) return denied("AccessDenied", "Request has expired");
  return Presigned{*signed_at, expires_at};
}

Result<Instant> read_date(const AuthFields& fields, Instant now) {
  std::optional<Instant> when;
  if (fields.amz_date != nullptr) {
    when = parse_amz_date(trim(*fields.amz_date));
  } else if (fields.date != nullptr) {
    std::string date(trim(*fields.date));
    when = parse_amz_date(date);
    // botocore writes the zone as RFC 5322 does
    if (date.ends_with(" -0000") || date.ends_with(" +0000")) date.replace(date.size() - 5, 5, "GMT");
    if (!when) when = parse_http_date(date);
  }
  if (!when) return denied("AccessDenied", "AWS authentication requires a valid Date or x-amz-date header");
  if (*when > now + Verifier::kMaxSkew || *when < now - Verifier::kMaxSkew) {
    return denied("RequestTimeTooSkewed", "The difference between the request time and the current time is too large.");
  }
  return *when;
}

Status check_day(const CredentialScope& scope, Instant signed_at, std::string_view code) {
  const std::string day = amz_date(signed_at).substr(0, 8);
  if (scope.date == day) return {};
  return invalid(code, fmt::format("Invalid credential date \"{}\". This date is not the same as X-Amz-Date: \"{}\".",
                                   scope.date, day));
}

/// What both forms lead to: who signed what, when.
struct Claim {
  Authorization authorization;
  Instant signed_at;
  std::optional<Instant> expires_at;
  Payload payload;
};

Result<Claim> read_header_claim(const AuthFields& fields, const CredentialScope& want, bool no_body, Instant now) {
  auto authorization = parse_authorization_header(*fields.authorization, want);
  if (!authorization) return std::unexpected(authorization.error());
  const auto signed_at = read_date(fields, now);
  if (!signed_at) return std::unexpected(signed_at.error());
  if (auto ok = check_day(authorization->scope, *signed_at, "AuthorizationHeaderMalformed"); !ok) {
    return std::unexpected(ok.error());
  }
  if (fields.content_sha256 == nullptr && !no_body) {
    return invalid("InvalidRequest", "Missing required header for this request: x-amz-content-sha256");
  }
  auto payload = read_payload(fields.content_sha256 == nullptr ? kEmptySha256 : trim(*fields.content_sha256));
  if (!payload) return std::unexpected(payload.error());
  return Claim{std::move(*authorization), *signed_at, std::nullopt, *payload};
}

Result<Claim> read_query_claim(const QueryAuthorization& query, const AuthFields& fields, const CredentialScope& want,
                               Instant now) {
  auto authorization = parse_query_authorization(query, want);
  if (!authorization) return std::unexpected(authorization.error());
  const auto validity = read_validity(query, now);
  if (!validity) return std::unexpected(validity.error());
  if (auto ok = check_day(authorization->scope, validity->signed_at, "AuthorizationQueryParametersError"); !ok) {
    return std::unexpected(ok.error());
  }
  const bool in_head = fields.content_sha256 != nullptr;
  const bool is_signed =
      in_head && std::ranges::binary_search(authorization->signed_headers, std::string_view("x-amz-content-sha256"));
  const std::string_view signed_hash = is_signed                      ? trim(*fields.content_sha256)
                                       : query.content_sha256.empty() ? kUnsignedPayload
                                                                      : query.content_sha256;
  // Clients put the field on each request. Where the signature says nothing about the body, it says what they send now:
  // the body is compared with it, and nothing else changes.
  const bool says_more = in_head && signed_hash == kUnsignedPayload;
  auto payload = read_payload(says_more ? trim(*fields.content_sha256) : signed_hash);
  if (!payload) return std::unexpected(payload.error());
  payload->signed_hash = signed_hash;
  if (payload->kind != PayloadKind::signed_hash && payload->kind != PayloadKind::unsigned_payload) {
    return invalid("InvalidRequest", "A presigned URL does not support this x-amz-content-sha256 value.");
  }
  return Claim{std::move(*authorization), validity->signed_at, validity->expires_at, *payload};
}

}  // namespace

Verifier::Verifier(const KeyRing& keys, std::string region, std::string service)
    : keys_(keys), region_(std::move(region)), service_(std::move(service)) {}

Verifier::Verifier(const Credentials& credentials, std::string region, std::string service)
    : own_(std::make_unique<const KeyRing>(credentials.clone())),
      keys_(*own_),
      region_(std::move(region)),
      service_(std::move(service)) {}

Result<Verified> Verifier::verify(const RequestView& request, Instant now) {
  if (auto ok = check_size(request); !ok) return std::unexpected(ok.error());
  auto target = parse_target(request.target);
  if (!target) return std::unexpected(target.error());
  const auto fields = find_auth_fields(request.fields);
  if (!fields) return std::unexpected(fields.error());
  const auto query = find_query_authorization(target->query);
  if (!query) return std::unexpected(query.error());

  const bool presigned = query->present();
  const bool version_2 =
      std::ranges::any_of(target->query, [](const auto& parameter) { return parameter.first == "AWSAccessKeyId"; });
  if (fields->authorization != nullptr && (presigned || version_2)) {
    return invalid("InvalidArgument",
                   "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                   "parameter or the Authorization header should be specified");
  }
  if (version_2) {
    return invalid("InvalidRequest",
                   "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.");
  }
  if (fields->authorization == nullptr && !presigned) return denied("AccessDenied", "Access Denied");

  const CredentialScope want = {.date = {}, .region = region_, .service = service_};
  const auto claim =
      presigned ? read_query_claim(*query, *fields, want, now) : read_header_claim(*fields, want, request.no_body, now);
  if (!claim) return std::unexpected(claim.error());
  const Authorization& authorization = claim->authorization;
  const auto known = keys_.find(authorization.access_key_id, now);
  if (!known) {
    return denied("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.");
  }
  if (auto ok = check_token(known->credentials, fields->security_token, presigned ? query->security_token : ""); !ok) {
    return std::unexpected(ok.error());
  }
  OrderedFields ordered = in_signed_order(request.fields);
  if (auto ok = check_signed_headers(ordered, authorization.signed_headers); !ok) return std::unexpected(ok.error());

  std::string payload_sha256 = claim->payload.kind == PayloadKind::signed_hash ? to_lower(claim->payload.hash) : "";
  const std::string payload_hash(claim->payload.signed_hash);  // may be a view into the query, which changes now
  if (presigned) {
    std::erase_if(target->query, [](const auto& parameter) { return parameter.first == "X-Amz-Signature"; });
  }
  const std::string path = canonical_path(target->path);
  const std::string encoded_query = canonical_query(target->query);
  SigningKey key = known->signing_keys.get(authorization.scope);
  const auto signature_of_fields = [&] {
    const std::string canonical = canonical_request({.method = request.method,
                                                     .path = path,
                                                     .query = encoded_query,
                                                     .fields = ordered,
                                                     .signed_headers = authorization.signed_headers,
                                                     .payload_hash = payload_hash});
    return signature(key, string_to_sign(claim->signed_at, authorization.scope, canonical));
  };
  std::string want_signature = signature_of_fields();
  bool matches = constant_time_equal(want_signature, authorization.signature);
  if (!matches && !request.other_host.empty() && fields->host != nullptr && *fields->host != request.other_host) {
    std::ranges::find(ordered, "host", &OrderedField::name)->value = request.other_host;
    want_signature = signature_of_fields();
    matches = constant_time_equal(want_signature, authorization.signature);
  }
  if (fields->host == nullptr || !matches) {
    return denied("SignatureDoesNotMatch",
                  "The request signature we calculated does not match the signature you provided. Check your key and "
                  "signing method.");
  }
  return Verified{
      .access_key_id = authorization.access_key_id,
      .presigned = presigned,
      .payload = claim->payload.kind,
      .payload_sha256 = std::move(payload_sha256),
      .chunks = ChunkSigner(std::move(key), claim->signed_at, authorization.scope, std::move(want_signature)),
      .expires_at = claim->expires_at};
}

}  // namespace s3link::sigv4
