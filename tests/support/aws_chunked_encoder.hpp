#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/sigv4/chunk_signature.hpp"
#include "core/sigv4/verify.hpp"

namespace s3link::test {

/// What an SDK sends for `data` under the content coding aws-chunked: chunks of `chunk_bytes`, the last one of size 0,
/// the trailers. `signer` is not used for streaming_unsigned_trailer.
inline std::string encode_aws_chunked(sigv4::PayloadKind kind, sigv4::ChunkSigner signer, std::string_view data,
                                      std::size_t chunk_bytes, const sigv4::Fields& trailers = {}) {
  const bool is_signed = kind != sigv4::PayloadKind::streaming_unsigned_trailer;
  std::string out;
  bool last = false;
  while (!last) {
    const std::string_view chunk = data.substr(0, chunk_bytes);
    data.remove_prefix(chunk.size());
    last = chunk.empty();
    out += fmt::format("{:x}", chunk.size());
    if (is_signed) out += ";chunk-signature=" + signer.sign_chunk(hex_encode(sha256(chunk)));
    out += "\r\n";
    if (!last) out.append(chunk).append("\r\n");
  }
  std::string signed_text;
  for (const auto& [name, value] : trailers) {
    out.append(name).append(":").append(value).append("\r\n");
    signed_text.append(name).append(":").append(value).append("\n");
  }
  if (kind == sigv4::PayloadKind::streaming_signed_trailer) {
    out += "x-amz-trailer-signature:" + signer.sign_trailers(hex_encode(sha256(signed_text))) + "\r\n";
  }
  return out + "\r\n";
}

}  // namespace s3link::test
