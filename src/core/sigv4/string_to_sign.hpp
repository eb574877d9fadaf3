#pragma once

#include <string>
#include <string_view>

#include "core/base/instant.hpp"

namespace s3link::sigv4 {

inline constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kScopeTerminal = "aws4_request";

/// What a signature is good for: one day, region and service.
struct CredentialScope {
  std::string date;  ///< "20130524"
  std::string region;
  std::string service;

  /// "20130524/us-east-1/s3/aws4_request".
  std::string text() const;
  bool operator==(const CredentialScope&) const = default;
};

/// The scope of a moment.
CredentialScope scope_of(Instant when, std::string_view region, std::string_view service);

/// Algorithm, time, scope and the hash of the canonical request.
/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", Task 2.
std::string string_to_sign(Instant when, const CredentialScope& scope, std::string_view canonical_request);
/// The same, from amz_date(when) and scope.text(): for whoever has written them already.
std::string string_to_sign(std::string_view date, std::string_view scope, std::string_view canonical_request);

}  // namespace s3link::sigv4
