#pragma once

#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/sigv4/signing_key.hpp"

namespace s3link::sigv4 {

/// The chain of signatures over the chunks of one payload: each is made from the one before, the first from the
/// signature of the request. Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header:
/// Transferring Payload in Multiple Chunks" and "… Including Trailing Headers".
/// Thread safety: one thread at a time.
class ChunkSigner {
 public:
  /// For payloads without chunk signatures; may not sign.
  ChunkSigner() = default;
  ChunkSigner(SigningKey key, Instant when, CredentialScope scope, std::string seed_signature);

  /// The signature of the next chunk, from the hexadecimal SHA-256 of its data.
  const std::string& sign_chunk(std::string_view data_sha256);
  /// The signature of the trailers that follow the last chunk, from the hexadecimal SHA-256 of "name:value\n" each.
  const std::string& sign_trailers(std::string_view trailers_sha256);

 private:
  SigningKey key_;
  std::string date_;
  std::string scope_;
  std::string previous_;
};

}  // namespace s3link::sigv4
