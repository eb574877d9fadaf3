#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "core/sigv4/string_to_sign.hpp"

namespace s3link::sigv4 {

/// Names in SignedHeaders: more than a request may have fields are refused unread.
inline constexpr std::size_t kMaxSignedHeaders = 256;

/// Who a request says it is from, and its proof; nothing of it is verified yet.
struct Authorization {
  std::string access_key_id;
  CredentialScope scope;
  SignedHeaders signed_headers;  ///< lower case, each once, in order
  std::string signature;         ///< as given
};

/// "AWS4-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…". `want` is the scope this end serves; its date is not
/// looked at. Errors (invalid_argument): AuthorizationHeaderMalformed; InvalidRequest (Signature Version 2 and others
/// of AWS); InvalidArgument (another scheme).
Result<Authorization> parse_authorization_header(std::string_view value, const CredentialScope& want);

/// The part of a presigned URL that is about its signature, as text: empty where it is missing.
struct QueryAuthorization {
  std::string_view algorithm, credential, date, expires, signed_headers, signature, security_token, content_sha256;

  /// Whether the query claims to be signed at all.
  bool present() const noexcept {
    return !algorithm.empty() || !credential.empty() || !signed_headers.empty() || !signature.empty();
  }
};

/// Views into `query`. Errors: invalid_argument, code AuthorizationQueryParametersError (one of them twice).
Result<QueryAuthorization> find_query_authorization(const Fields& query);

/// Errors: invalid_argument, code AuthorizationQueryParametersError.
Result<Authorization> parse_query_authorization(const QueryAuthorization& query, const CredentialScope& want);

}  // namespace s3link::sigv4
