#pragma once

#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "core/sigv4/chunk_signature.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/sigv4/signing_key.hpp"

namespace s3link::sigv4 {

/// A request of our own before it is sent.
struct OutgoingRequest {
  std::string method;
  std::string host;    ///< as the Host field has it: "127.0.0.1:9000"
  std::string target;  ///< path and query, encoded
  Fields fields;
};

/// Signs by header: adds Host where it is missing, x-amz-date, x-amz-content-sha256 (service "s3" only),
/// x-amz-security-token (with a session token) and Authorization. Signs every field given but those that proxies and
/// HTTP clients change on the way (Connection, User-Agent, Expect, …). `payload_hash` is a hexadecimal SHA-256,
/// UNSIGNED-PAYLOAD or one of the STREAMING- values. Returns the signer of the chunks that follow a STREAMING- value.
ChunkSigner sign_request(OutgoingRequest& request, const Credentials& credentials, std::string_view region,
                         std::string_view service, std::string_view payload_hash, Instant now);

/// The same, with the signing keys of these credentials' secret taken from `keys`: for whoever signs often.
ChunkSigner sign_request(OutgoingRequest& request, const Credentials& credentials, SigningKeyCache& keys,
                         std::string_view region, std::string_view service, std::string_view payload_hash, Instant now);

}  // namespace s3link::sigv4
