#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"

namespace s3link::app {

struct ListedObject {
  std::string key;
  std::uint64_t size_bytes = 0;
  std::string etag;
  Instant modified;
};

/// One answer to ListObjectsV2.
struct ObjectPage {
  std::vector<ListedObject> objects;
  std::string next_token;  ///< empty: the last page
};

/// Reads a ListBucketResult asked for with encoding-type=url. Errors: internal.
Result<ObjectPage> parse_object_page(std::string_view xml);

}  // namespace s3link::app
