#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/sigv4/signing_key.hpp"

namespace s3link::sigv4 {

/// How long a presigned URL stays valid: 1 s to 7 days.
/// Source: Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", X-Amz-Expires.
class ExpiresIn {
 public:
  static constexpr std::chrono::seconds kMax = std::chrono::hours(7 * 24);

  /// Whole decimal seconds, as in the query string. Errors: invalid_argument, code AuthorizationQueryParametersError.
  static Result<ExpiresIn> parse(std::string_view text);
  /// Errors: as parse().
  static Result<ExpiresIn> from(std::chrono::seconds value);
  std::chrono::seconds value() const noexcept { return value_; }

 private:
  explicit ExpiresIn(std::chrono::seconds value) : value_(value) {}
  std::chrono::seconds value_;
};

struct PresignRequest {
  std::string method = "GET";
  std::string base_url;  ///< "https://host[:port]"
  std::string path;      ///< "/bucket/key", decoded
  Fields query;          ///< decoded, e.g. response-content-disposition
};

/// A URL that anyone may use until now + expires, to the second: signed host, unsigned payload, service "s3".
/// The host is written as clients send it (lower case, no default port).
Secret presign(const PresignRequest& request, const Credentials& credentials, std::string_view region,
               ExpiresIn expires, Instant now);

/// The same, with the signing keys of these credentials' secret taken from `keys`: for whoever signs often.
Secret presign(const PresignRequest& request, const Credentials& credentials, SigningKeyCache& keys,
               std::string_view region, ExpiresIn expires, Instant now);

}  // namespace s3link::sigv4
