#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/base/result.hpp"
#include "core/s3/body_claims.hpp"
#include "core/sigv4/aws_chunked.hpp"
#include "core/sigv4/verify.hpp"
#include "ports/bucket_store.hpp"
#include "ports/http_handler.hpp"

namespace s3link::server {

/// The body of an authenticated request: takes the aws-chunked coding off where there is one, counts, computes the
/// checksum that was announced, and at the end compares all of it with what the head claimed.
/// Thread safety: one call at a time.
class PayloadReader {
 public:
  /// `wanted`: a checksum to compute even when the head names none. `body` must outlive it.
  /// Errors: MissingContentLength, EntityTooLarge (announced length over max_bytes), InvalidRequest (a trailer without
  /// the coding that carries it).
  static Result<PayloadReader> open(const sigv4::Verified& verified, const s3::BodyClaims& claims,
                                    ports::HttpRequestBody& body, std::uint64_t max_bytes,
                                    std::optional<s3::ChecksumAlgorithm> wanted = std::nullopt);

  /// Bytes after decoding, where the head says so.
  std::optional<std::uint64_t> announced_bytes() const noexcept { return announced_; }

  /// The next piece, at most 256 KiB, empty at the end; valid until the next call. What was handed out counts only once
  /// verify() has succeeded.
  /// Errors: those of the body and of AwsChunkedDecoder, EntityTooLarge, IncompleteBody.
  Awaitable<Result<std::span<const std::byte>>> next();

  /// After the end: compares with the digests (raw) of what was handed out. Returns the checksum, if one was announced
  /// or wanted. Errors: XAmzContentSHA256Mismatch, BadDigest, InvalidRequest (a trailer that is no checksum).
  Result<std::optional<s3::ObjectChecksum>> verify(const std::string& md5, const std::string& sha256);

 private:
  PayloadReader(ports::HttpRequestBody& body, std::uint64_t max_bytes) : body_(&body), max_bytes_(max_bytes) {}

  ports::HttpRequestBody* body_;
  std::uint64_t max_bytes_;
  std::optional<std::uint64_t> announced_;
  std::uint64_t handed_out_ = 0;
  std::span<const std::byte> raw_;  ///< read and not decoded yet
  std::optional<sigv4::AwsChunkedDecoder> decoder_;
  std::optional<std::string> expected_md5_;
  std::optional<std::string> expected_sha256_;
  std::optional<s3::ChecksumAlgorithm> algorithm_;
  std::optional<std::string> expected_checksum_;
  bool checksum_in_trailer_ = false;
  std::optional<s3::Checksum> checksum_;
};

/// An upload says how its body is framed; without that an empty object would be a guess. Errors: MissingContentLength.
Status check_body_announced(const ports::HttpRequestHead& request);

/// A body that was read to its end, verified, and waits for its commit. Dropped, it leaves nothing behind.
struct ReceivedBody {
  std::unique_ptr<ports::BodyWriter> writer;
  ports::BodyDigests digests;
  std::optional<s3::ObjectChecksum> checksum;
};

/// Streams the payload into the store. The references must outlive the awaitable.
Awaitable<Result<ReceivedBody>> receive_body(ports::BucketStore& store, PayloadReader& payload);

/// A whole document of at most `max_bytes`, verified. Errors: MaxMessageLengthExceeded, and those of PayloadReader.
/// The references must outlive the awaitable.
Awaitable<Result<std::string>> receive_document(const sigv4::Verified& verified, const s3::BodyClaims& claims,
                                                ports::HttpRequestBody& body, std::uint64_t max_bytes);

}  // namespace s3link::server
