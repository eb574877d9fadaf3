#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/sqlite_store/connection.hpp"
#include "core/base/instant.hpp"
#include "ports/bucket_store.hpp"

namespace s3link::sqlite_store {

/// Listings with prefix and delimiter over the sorted tables. Keys below a common prefix are not read one by one: after
/// a short run of them the query starts again behind the prefix. Errors: corrupt (a row on the page is damaged).

Result<ports::ListPage> list_objects(Connection& db, std::int64_t bucket, const ports::ListRequest& request,
                                     Instant now);
Result<ports::UploadsPage> list_uploads(Connection& db, std::int64_t bucket, const ports::ListUploadsRequest& request);

/// The least text above all that begin with `prefix`; "\xff" (no key begins so) when there is no such prefix.
std::string end_of_prefix(std::string_view prefix);
/// The common prefix a key is listed under: up to and with the first delimiter behind the prefix; empty: none.
std::string_view common_prefix_of(std::string_view key, std::string_view prefix, std::string_view delimiter);

}  // namespace s3link::sqlite_store
