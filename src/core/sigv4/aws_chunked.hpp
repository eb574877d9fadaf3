#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/digest.hpp"
#include "core/base/result.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "core/sigv4/chunk_signature.hpp"
#include "core/sigv4/verify.hpp"

namespace s3link::sigv4 {

/// Takes the content coding "aws-chunked" off a body, as it comes: each chunk is its size in hexadecimal (and its
/// signature), CRLF, data, CRLF; the last has size 0; trailers follow. Source: Amazon S3 API Reference, as ChunkSigner.
///
/// Nothing is buffered but one line: data go out before their chunk's signature was seen. So what was written counts
/// only once finish() has succeeded.
///
///     while (!in.empty()) {
///       auto piece = decoder.next(in);
///       if (!piece) return piece.error();
///       in = in.subspan(piece->consumed);
///       use(piece->data);
///     }
///
/// Thread safety: one thread at a time.
class AwsChunkedDecoder {
 public:
  static constexpr std::size_t kMaxLineBytes = 256;          ///< a chunk's first line
  static constexpr std::size_t kMaxTrailerBytes = 8 * 1024;  ///< everything after the last chunk
  static constexpr std::uint64_t kMinChunkBytes = 8 * 1024;  ///< of every chunk but the last with data

  /// `kind`: one of the streaming kinds. `decoded_length`: from x-amz-decoded-content-length, in bytes.
  /// `declared_trailers`: the names in x-amz-trailer, any case; exactly these must follow.
  AwsChunkedDecoder(PayloadKind kind, ChunkSigner signer, std::uint64_t decoded_length,
                    std::vector<std::string> declared_trailers);

  struct Piece {
    std::size_t consumed = 0;         ///< bytes of the input that are done with; at least 1
    std::span<const std::byte> data;  ///< decoded, a part of the input; may be empty
  };
  /// The next step through `in`, which is not empty. After an error the decoder may not be used.
  /// Errors (invalid_argument or denied), by code: IncompleteBody (not of this form, or more data than announced),
  /// InvalidChunkSizeError, SignatureDoesNotMatch, MalformedTrailerError.
  Result<Piece> next(std::span<const std::byte> in);

  /// The body is over: all of it came, and every signature and declared trailer was right. Errors: as next().
  Status finish();

  /// After finish(): names in lower case, values trimmed; without x-amz-trailer-signature.
  const Fields& trailers() const noexcept { return trailers_; }

 private:
  enum class State { chunk_line, data, data_end, trailer_line };

  bool is_signed() const noexcept { return kind_ != PayloadKind::streaming_unsigned_trailer; }
  Status take_line();
  Status begin_chunk(std::string_view line);
  Status end_chunk();
  Status add_trailer(std::string_view line);

  PayloadKind kind_;
  ChunkSigner signer_;
  std::uint64_t length_left_;
  std::vector<std::string> declared_;
  State state_ = State::chunk_line;
  std::string line_;
  std::uint64_t chunk_left_ = 0;
  bool short_chunk_seen_ = false;
  bool last_chunk_seen_ = false;
  std::string chunk_signature_;
  Digest chunk_sha256_;
  std::size_t trailer_bytes_ = 0;
  std::string trailer_signature_;
  Fields trailers_;
};

}  // namespace s3link::sigv4
