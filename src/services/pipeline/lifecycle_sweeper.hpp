#pragma once

#include <atomic>
#include <chrono>
#include <memory>

#include "ports/awaitable.hpp"
#include "ports/bucket_store.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"

namespace s3link::pipeline {

class WakeSignal;

/// Removes objects when their time has come: rows, keys and files, at the moment of removal, what is overdue at the
/// start. Thread safety: run() stays on its executor, one thread or a strand; stop() and wake() may be called from any
/// thread. Its ports must outlive run().
class LifecycleSweeper {
 public:
  /// `shortest_life` is how long any object lives at least (bucket.object_ttl). Looking for the next removal that
  /// often, and at least once a minute, is often enough to be late for none.
  LifecycleSweeper(ports::BucketStore& buckets, ports::Clock& clock, ports::Logger& logger,
                   std::chrono::milliseconds shortest_life = std::chrono::minutes(1));
  LifecycleSweeper(const LifecycleSweeper&) = delete;
  LifecycleSweeper& operator=(const LifecycleSweeper&) = delete;
  ~LifecycleSweeper();

  /// Sweeps until stop(); call once, and do not cancel it. An error of the store is logged and the sweep tried again,
  /// after 1 s, 2 s, … 60 s.
  Awaitable<void> run();
  void stop();
  /// Something may have to be removed sooner than was known.
  void wake();

 private:
  /// Removes what is due; returns when the next look is due, or an error.
  Awaitable<Result<Instant>> sweep();

  ports::BucketStore& buckets_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  std::chrono::milliseconds look_every_;
  std::shared_ptr<WakeSignal> wake_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace s3link::pipeline
