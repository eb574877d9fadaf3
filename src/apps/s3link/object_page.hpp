#pragma once

#include <cstdint>
#include <optional>
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
  std::optional<Instant> removed_at;  ///< as the server will do it; empty: it is kept
};

/// One answer of /_/api/v1/objects.
struct ObjectPage {
  std::vector<ListedObject> objects;
  std::string next;  ///< empty: the last page
};

/// Errors: internal (the answer is not what it should be).
Result<ObjectPage> parse_object_page(std::string_view json);

}  // namespace s3link::app
