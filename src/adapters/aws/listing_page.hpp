#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/result.hpp"
#include "ports/bucket_listing.hpp"

namespace s3link::aws {

/// What a page is asked to hold at most, and may hold.
inline constexpr std::size_t kMaxListedKeys = 1'000;

/// <ListBucketResult>, its keys decoded where it says that they are encoded.
/// Errors: transient, code "unknown": it cannot be S3's. Source: Amazon S3 API Reference, "ListObjectsV2".
Result<ports::ListingPage> read_listing_page(std::string_view xml);

}  // namespace s3link::aws
