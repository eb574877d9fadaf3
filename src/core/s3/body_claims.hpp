#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "core/s3/checksum.hpp"
#include "core/s3/fields.hpp"

namespace s3link::s3 {

/// What the head of a request says about its body, to be compared with what comes.
struct BodyClaims {
  std::optional<std::string> md5;                   ///< Content-MD5, raw
  std::optional<ChecksumAlgorithm> algorithm;       ///< of the x-amz-checksum-* field or trailer
  std::optional<std::string> checksum;              ///< raw; absent with `algorithm` set: it comes in the trailer
  std::vector<std::string> trailers;                ///< x-amz-trailer: names in lower case, at most one
  std::optional<std::uint64_t> decoded_size_bytes;  ///< x-amz-decoded-content-length

  /// Errors: InvalidDigest (Content-MD5), InvalidRequest (several checksums, a value or name that is not one,
  /// x-amz-sdk-checksum-algorithm that does not match), InvalidArgument (x-amz-decoded-content-length).
  static Result<BodyClaims> parse(const Fields& fields);
};

/// A checksum of a whole multipart object, as CompleteMultipartUpload gives it in the head.
struct ObjectChecksumClaim {
  ChecksumAlgorithm algorithm = ChecksumAlgorithm::crc32;
  std::string value;  ///< as sent: base64, a composite one perhaps with "-N"
};

/// The one x-amz-checksum-* field, not checked further. Errors: InvalidRequest (several).
Result<std::optional<ObjectChecksumClaim>> parse_checksum_claim(const Fields& fields);

/// x-amz-checksum-algorithm and x-amz-checksum-type of CreateMultipartUpload.
struct MultipartChecksum {
  std::optional<ChecksumAlgorithm> algorithm;
  bool composite = false;

  /// Errors: InvalidRequest (unknown, a type without an algorithm, or a combination S3 does not have).
  static Result<MultipartChecksum> parse(const Fields& fields);
};

}  // namespace s3link::s3
