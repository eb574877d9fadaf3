#pragma once

#include <chrono>
#include <functional>

#include "ports/awaitable.hpp"
#include "ports/bucket_store.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "services/pipeline/recurring_look.hpp"
#include "services/pipeline/sweep_tally.hpp"

namespace s3link::pipeline {

/// What the sweeper does for the exchange bucket, apart from what goes by itself.
struct SweepSettings {
  s3::BucketName bucket;
  std::chrono::seconds object_ttl{};   ///< life of its objects that no lifecycle rule matches
  std::function<Instant()> time = {};  ///< by which things are removed, never after the clock's; empty: the clock's
};

/// Removes objects when their time has come: rows, keys and files, at the moment of removal, what is overdue at the
/// start. Brings objects under the bucket's lifecycle rules when these have changed, and aborts multipart uploads that
/// are older than the rules allow. All of it in batches, each a transaction of its own, so that it may end anywhere.
/// Thread safety: run() stays on its executor, one thread or a strand; stop() and wake() may be called from any thread.
/// Its ports must outlive run().
class LifecycleSweeper {
 public:
  /// No object lives shorter than object_ttl, or a rule's day. Looking for the next removal that often, and at least
  /// once a minute, is often enough to be late for none.
  LifecycleSweeper(SweepSettings settings, ports::BucketStore& buckets, ports::Clock& clock, ports::Logger& logger);
  LifecycleSweeper(const LifecycleSweeper&) = delete;
  LifecycleSweeper& operator=(const LifecycleSweeper&) = delete;
  ~LifecycleSweeper();

  /// Sweeps until stop(), and is the store's one listener for changes of the rules; call once, and do not cancel it. An
  /// error of the store is logged and the sweep tried again (RecurringLook).
  Awaitable<void> run();
  void stop();
  /// Something may have to be removed sooner than was known.
  void wake();
  /// From any thread.
  const SweepTally& tally() const noexcept { return tally_; }

 private:
  /// Removes what is due, and keeps count of it; returns when the next look is due, or an error.
  Awaitable<Result<std::optional<Instant>>> sweep();
  Awaitable<Result<Instant>> do_sweep();
  /// After a batch, before the next: as long as it took, so that others have the disk and the processors half the time.
  Awaitable<void> rest(std::chrono::steady_clock::time_point begin);
  Awaitable<Status> apply_rules();
  Awaitable<Status> remove_objects();
  Awaitable<Status> abort_uploads();
  Instant removal_time() const { return settings_.time ? settings_.time() : clock_.now(); }

  const SweepSettings settings_;
  ports::BucketStore& buckets_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  std::chrono::milliseconds look_every_;
  RecurringLook loop_;
  SweepTally tally_;
};

}  // namespace s3link::pipeline
