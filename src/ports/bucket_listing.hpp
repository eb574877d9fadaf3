#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// One object of a bucket that another service keeps.
struct ListedObject {
  std::string key;
  std::uint64_t size_bytes = 0;
  std::string etag;  ///< without quotes
  Instant modified;  ///< whole seconds; of a multipart upload: when it was begun
};

struct ListingPage {
  std::vector<ListedObject> objects;  ///< at most 1000, by key
  std::string next;                   ///< what the next call's start_after is; empty: this was the last page
};

/// Lists a bucket that another service keeps. Thread safety: any number of calls at a time on its executor.
class BucketListing {
 public:
  virtual ~BucketListing() = default;

  /// Keys after `start_after` (exclusive; empty: from the beginning). Hangs a subsegment into `under`.
  /// Errors: transient, denied, not_found (code NoSuchBucket).
  virtual Awaitable<Result<ListingPage>> list(std::string bucket, std::string start_after, Instant deadline,
                                              trace::Segment& under) = 0;
};

}  // namespace s3link::ports
