#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "core/s3/object_headers.hpp"

namespace s3link::s3 {

/// The documents clients send, read with these bounds: size, number of elements, no document type, no entities but the
/// five of XML, no NUL, UTF-8. Whatever breaks them, or the schema, is MalformedXML.

inline constexpr std::size_t kMaxXmlBytes = std::size_t{4} * 1024 * 1024;
inline constexpr std::size_t kMaxDeleteKeys = 1000;
inline constexpr unsigned kMaxPartNumber = 10'000;

struct DeleteEntry {
  std::string key;  ///< as it stands there, not checked: a key that cannot exist is answered in its own <Error>
  std::string version_id;
  bool conditional = false;  ///< has ETag, LastModifiedTime or Size
};

struct DeleteDocument {
  std::vector<DeleteEntry> entries;  ///< 1 to 1,000
  bool quiet = false;
};
/// <Delete>. Errors: MalformedXML.
Result<DeleteDocument> parse_delete(std::string_view xml);

struct CompletedPart {
  unsigned number = 0;                    ///< 1 to 10,000
  std::string etag;                       ///< without quotes
  std::vector<ObjectChecksum> checksums;  ///< not composite; values not checked
};
/// <CompleteMultipartUpload>: 1 to 10,000 parts as they stand there. Errors: MalformedXML, InvalidPartOrder,
/// InvalidArgument (part number out of range).
Result<std::vector<CompletedPart>> parse_complete(std::string_view xml);

/// <CreateBucketConfiguration>: the LocationConstraint, empty when there is none. Errors: MalformedXML.
Result<std::string> parse_create_bucket(std::string_view xml);

}  // namespace s3link::s3
