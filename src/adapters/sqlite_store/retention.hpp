#pragma once

#include <cstddef>
#include <cstdint>

#include "adapters/sqlite_store/commit_queue.hpp"
#include "core/base/instant.hpp"

namespace s3link::sqlite_store {

/// What goes by itself when its time is over. All of it works key by key along an index.

/// Up to `limit` objects whose removal time is not after `now`, soonest first; returns how many.
std::size_t remove_expired_objects(WriteTransaction& transaction, Instant now, std::size_t limit);
/// The bucket's expired objects; returns whether none is left.
bool remove_expired_of_bucket(WriteTransaction& transaction, std::int64_t bucket, Instant now);
/// Some hundred rows of history at most: ledger entries after 90 days, dropped events after 14, completed uploads
/// after 1.
void prune_history(WriteTransaction& transaction, Instant now);

}  // namespace s3link::sqlite_store
