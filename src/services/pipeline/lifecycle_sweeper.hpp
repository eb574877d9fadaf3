#pragma once

#include <atomic>
#include <memory>

#include "ports/awaitable.hpp"
#include "ports/bucket_store.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"

namespace s3link::pipeline {

class WakeSignal;

/// Removes objects when their time has come: rows, keys and files, at the moment of removal, what is overdue at the
/// start. Thread safety: run() stays on its executor; stop() and wake() may be called from any thread. Its ports must
/// outlive run().
class LifecycleSweeper {
 public:
  LifecycleSweeper(ports::BucketStore& buckets, ports::Clock& clock, ports::Logger& logger);
  LifecycleSweeper(const LifecycleSweeper&) = delete;
  LifecycleSweeper& operator=(const LifecycleSweeper&) = delete;
  ~LifecycleSweeper();

  /// Sweeps until stop(); call once.
  Awaitable<void> run();
  void stop();
  /// Something may have to be removed sooner than was known. Without it that is noticed within a minute.
  void wake();

 private:
  ports::BucketStore& buckets_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  std::shared_ptr<WakeSignal> wake_;
  std::atomic<bool> stopping_ = false;
};

}  // namespace s3link::pipeline
