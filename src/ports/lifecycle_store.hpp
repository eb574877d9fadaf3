#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/s3/lifecycle.hpp"
#include "core/s3/names.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// The lifecycle rules of buckets, and what follows from them. The half of a bucket store that knows when things go.
///
/// From the commit of put_lifecycle() on, every write to the bucket is under the new rules. What was written before
/// gets its new removal time by apply_lifecycle(), batch by batch; how far that is, is kept with the data. Errors
/// everywhere: as ports::BucketStore. Thread safety: any number of calls at a time, from any executor.
class LifecycleStore {
 public:
  virtual ~LifecycleStore() = default;

  /// The bucket's rules in their order; empty: it has none. Errors: NoSuchBucket.
  virtual Awaitable<Result<s3::LifecycleRules>> lifecycle(s3::BucketName bucket) = 0;
  /// Replaces the bucket's rules; none: it has none from now on. On return they are committed and synced.
  virtual Awaitable<Status> put_lifecycle(s3::BucketName bucket, s3::LifecycleRules rules) = 0;

  /// Goes on with what the last put_lifecycle() left to do: gives up to `limit` objects and uploads the times the rules
  /// say, counted from when they were made; an object whose rule has gone, and that no other matches, goes `otherwise`
  /// after that, and one that none matched before either keeps its time. What is gone by its old time stays gone. Returns whether more is to be done. Nothing to do is cheap.
  virtual Awaitable<Result<bool>> apply_lifecycle(s3::BucketName bucket, std::chrono::seconds otherwise,
                                                  std::size_t limit) = 0;
  /// Aborts up to `limit` multipart uploads, of all buckets, that are older than the rules allow, soonest first.
  /// Returns how many.
  virtual Awaitable<Result<std::size_t>> abort_old_uploads(Instant now, std::size_t limit) = 0;

  /// `wake` is called, from any thread, after each put_lifecycle(). Empty: nobody is called, from its return on.
  virtual void on_lifecycle_change(std::function<void()> wake) = 0;
};

}  // namespace s3link::ports
