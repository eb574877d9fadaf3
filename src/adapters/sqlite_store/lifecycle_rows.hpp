#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "core/base/instant.hpp"
#include "core/s3/lifecycle.hpp"

namespace s3link::sqlite_store {

/// SQL over the tables `lifecycle_rules` and `lifecycle_pending`, inside the caller's transaction.

/// Errors: corrupt.
Result<s3::LifecycleRules> read_lifecycle(Connection& db, std::int64_t bucket);
/// Replaces the rules, and notes that what exists is to be brought under the new ones, from the beginning.
void write_lifecycle(Connection& db, std::int64_t bucket, const s3::LifecycleRules& rules);
/// For a bucket that is deleted.
void forget_lifecycle(Connection& db, std::int64_t bucket);

struct ExpirationRule {
  std::string id;
  std::chrono::days after{};
};
/// As s3::expiration_rule(), without reading all rules.
std::optional<ExpirationRule> find_expiration(Connection& db, std::int64_t bucket, std::string_view key);
/// As s3::incomplete_upload_age().
std::chrono::days find_upload_age(Connection& db, std::int64_t bucket, std::string_view key);

/// As ports::LifecycleStore::apply_lifecycle.
bool apply_lifecycle(Connection& db, std::int64_t bucket, std::chrono::seconds otherwise, Instant now,
                     std::size_t limit);
/// Up to `limit` uploads whose time is over, with their parts; returns how many.
std::size_t abort_old_uploads(WriteTransaction& transaction, Instant now, std::size_t limit);

}  // namespace s3link::sqlite_store
