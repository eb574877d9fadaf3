#pragma once

#include <string>
#include <utility>
#include <vector>

namespace s3link::s3 {

/// What the client said about an object, kept and given back as it came. Empty: not given.
struct ObjectHeaders {
  std::string content_type;
  std::string cache_control;
  std::string content_disposition;
  std::string content_encoding;  ///< without "aws-chunked"
  std::string content_language;
  std::string expires;
  std::vector<std::pair<std::string, std::string>> metadata;  ///< x-amz-meta-*: names in lower case, without the prefix

  bool operator==(const ObjectHeaders&) const = default;
};

/// A checksum the client sent and we verified. `algorithm` is "CRC32", "CRC32C", "CRC64NVME", "SHA1" or "SHA256".
struct ObjectChecksum {
  std::string algorithm;
  std::string value;       ///< base64, for a composite one with "-N"
  bool composite = false;  ///< of a multipart object: checksum of the parts' checksums

  bool operator==(const ObjectChecksum&) const = default;
};

}  // namespace s3link::s3
