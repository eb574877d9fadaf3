#include "core/sigv4/chunk_signature.hpp"

#include <fmt/format.h>

#include <cassert>
#include <utility>

#include "core/base/digest.hpp"

namespace s3link::sigv4 {

ChunkSigner::ChunkSigner(SigningKey key, Instant when, CredentialScope scope, std::string seed_signature)
    : key_(std::move(key)), date_(amz_date(when)), scope_(scope.text()), previous_(std::move(seed_signature)) {}

const std::string& ChunkSigner::sign_chunk(std::string_view data_sha256) {
  assert(key_);
  previous_ = signature(key_, fmt::format("AWS4-HMAC-SHA256-PAYLOAD\n{}\n{}\n{}\n{}\n{}", date_, scope_, previous_,
                                          kEmptySha256, data_sha256));
  return previous_;
}

const std::string& ChunkSigner::sign_trailers(std::string_view trailers_sha256) {
  assert(key_);
  previous_ = signature(
      key_, fmt::format("AWS4-HMAC-SHA256-TRAILER\n{}\n{}\n{}\n{}", date_, scope_, previous_, trailers_sha256));
  return previous_;
}

}  // namespace s3link::sigv4
