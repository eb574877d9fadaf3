#include "core/sigv4/string_to_sign.hpp"

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sigv4 {

std::string CredentialScope::text() const {
  std::string out;
  out.reserve(date.size() + region.size() + service.size() + kScopeTerminal.size() + 3);
  return out.append(date).append("/").append(region).append("/").append(service).append("/").append(kScopeTerminal);
}

CredentialScope scope_of(Instant when, std::string_view region, std::string_view service) {
  return {.date = amz_date(when).substr(0, 8), .region = std::string(region), .service = std::string(service)};
}

std::string string_to_sign(Instant when, const CredentialScope& scope, std::string_view canonical_request) {
  return string_to_sign(amz_date(when), scope.text(), canonical_request);
}

std::string string_to_sign(std::string_view date, std::string_view scope, std::string_view canonical_request) {
  std::string out;
  out.reserve(kAlgorithm.size() + date.size() + scope.size() + 3 + 64);
  out.append(kAlgorithm).append("\n").append(date).append("\n").append(scope).append("\n");
  return out.append(hex_encode(sha256(canonical_request)));
}

}  // namespace s3link::sigv4
