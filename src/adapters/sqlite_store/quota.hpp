#pragma once

#include <cstdint>
#include <expected>

#include "adapters/sqlite_store/bucket_quota.hpp"
#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "core/s3/names.hpp"
#include "ports/bucket_store.hpp"

namespace s3link::sqlite_store {

struct BucketUsage {
  std::uint64_t bytes = 0;
  std::uint64_t objects = 0;
};

/// What a bucket of that quota holds; nothing where there is no such bucket.
BucketUsage read_usage(Connection& db, const BucketQuota& quota);

/// Whether that change is allowed: nothing may grow beyond its limit, but what is beyond it may shrink or stay.
/// Errors: denied, code QuotaExceeded.
Status check_growth(const BucketQuota& quota, const BucketUsage& before, const BucketUsage& after);

/// Whether a body that announces itself would be allowed. Errors: as above.
Status check_announced(Connection& db, const BucketQuota& quota, const ports::BucketStore::AnnouncedBody& body);

/// Makes the change, which returns a Result, and refuses it when the bucket has grown beyond its quota: the caller's
/// request is then undone.
template <class Change>
auto within_quota(WriteTransaction& transaction, const BucketQuota& quota, const s3::BucketName& bucket, Change change)
    -> decltype(change()) {
  if (!quota.limits(bucket)) return change();
  const BucketUsage before = read_usage(transaction.db(), quota);
  auto done = change();
  if (!done) return done;
  const Status fits = check_growth(quota, before, read_usage(transaction.db(), quota));
  if (!fits) return std::unexpected(fits.error());
  return done;
}

}  // namespace s3link::sqlite_store
