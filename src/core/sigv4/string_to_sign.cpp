#include "core/sigv4/string_to_sign.hpp"

#include <fmt/format.h>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sigv4 {

std::string CredentialScope::text() const { return fmt::format("{}/{}/{}/{}", date, region, service, kScopeTerminal); }

CredentialScope scope_of(Instant when, std::string_view region, std::string_view service) {
  return {.date = amz_date(when).substr(0, 8), .region = std::string(region), .service = std::string(service)};
}

std::string string_to_sign(Instant when, const CredentialScope& scope, std::string_view canonical_request) {
  return fmt::format("{}\n{}\n{}\n{}", kAlgorithm, amz_date(when), scope.text(), hex_encode(sha256(canonical_request)));
}

}  // namespace s3link::sigv4
