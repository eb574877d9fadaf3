#pragma once

#include <atomic>
#include <cstdint>

namespace s3link::pipeline {

/// How attempts to deliver an event ended since the start. Each is counted once its outcome is recorded.
struct DeliveryTally {
  std::atomic<std::uint64_t> delivered = 0;   ///< every recipient has been mailed
  std::atomic<std::uint64_t> retried = 0;     ///< failed, to be tried again
  std::atomic<std::uint64_t> dead = 0;        ///< given up, now a dead letter
  std::atomic<std::uint64_t> dropped = 0;     ///< ended by a rule: nothing to be mailed
  std::atomic<std::uint64_t> unrecorded = 0;  ///< the store did not take the outcome: to be tried again
};

}  // namespace s3link::pipeline
