#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/sigv4/authorization.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "core/sigv4/chunk_signature.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/sigv4/key_ring.hpp"

namespace s3link::sigv4 {

/// What x-amz-content-sha256 says of the body.
enum class PayloadKind {
  signed_hash,                 ///< its SHA-256
  unsigned_payload,            ///< UNSIGNED-PAYLOAD
  streaming_signed,            ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD
  streaming_signed_trailer,    ///< STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER
  streaming_unsigned_trailer,  ///< STREAMING-UNSIGNED-PAYLOAD-TRAILER
};

struct RequestView {
  std::string_view method;
  std::string_view target;  ///< as received
  const Fields& fields;     ///< as received
  /// Another name of this server, "files.example.org[:port]", under which the request means the same; empty: none. A
  /// proxy may have put a name of its own into the Host field, so a signature over this one counts as well. Nothing is
  /// lost by that: the signature still covers method, path, query and headers, and what it was made for is us. The
  /// caller must not give one where the Host field decides what the request is about (virtual-host style).
  std::string_view other_host = {};
  /// The request has no body for certain: x-amz-content-sha256 may be missing (curl before 8.3 sends none), and is that
  /// of nothing then.
  bool no_body = false;
};

/// A request that was signed by a key we know.
struct Verified {
  std::string access_key_id;
  bool presigned = false;
  PayloadKind payload = PayloadKind::unsigned_payload;
  std::string payload_sha256;         ///< hexadecimal, signed_hash only: the caller compares it with the body's
  ChunkSigner chunks;                 ///< for the two signed streaming kinds
  std::optional<Instant> expires_at;  ///< presigned only
};

/// Decides who sent a request. Either the Authorization header or the query carries the signature, never both.
/// Thread safety: any number of calls at a time.
class Verifier {
 public:
  /// Clocks may differ by this much, either way.
  static constexpr std::chrono::minutes kMaxSkew{15};
  /// Fields and target together; the HTTP server's own limit is lower.
  static constexpr std::size_t kMaxHeadBytes = 64 * 1024;
  static constexpr std::size_t kMaxFields = kMaxSignedHeaders;
  static constexpr std::size_t kMaxParameters = 256;

  /// The ring must outlive the verifier.
  Verifier(const KeyRing& keys, std::string region, std::string service = "s3");
  /// Of one key pair that never changes.
  Verifier(const Credentials& credentials, std::string region, std::string service = "s3");

  /// The body is not looked at: the caller checks payload_sha256, or decodes the chunks. The work grows with the length
  /// of the head and with nothing else, and the signature is computed twice at most.
  /// Every x-amz-* field must be signed, but for those that change nothing here: see kUnsignedAllowed in verify.cpp.
  /// Errors (kind denied where AWS answers 403, else invalid_argument), by code:
  /// - AccessDenied: no signature at all; a presigned URL that has expired or is not valid yet; an x-amz-* field
  ///   that is not signed; no date
  /// - SignatureDoesNotMatch, InvalidAccessKeyId, RequestTimeTooSkewed,
  /// InvalidToken
  /// - AuthorizationHeaderMalformed, AuthorizationQueryParametersError: not of the documented form, or another scope
  /// - InvalidRequest: Signature Version 2; x-amz-content-sha256 missing; a head over the limits above
  /// - InvalidArgument: another scheme; both header and query; a duplicate; an unknown x-amz-content-sha256
  /// - InvalidURI
  Result<Verified> verify(const RequestView& request, Instant now);

 private:
  std::unique_ptr<const KeyRing> own_;  // null: another's
  const KeyRing& keys_;
  std::string region_;
  std::string service_;
};

}  // namespace s3link::sigv4
