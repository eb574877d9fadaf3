#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "core/metrics/family.hpp"

namespace s3link::metrics {

/// Counts what it is shown by size. An observation costs two additions and no lock; it is in whole steps of a small
/// unit, so that the sum stays exact. Thread safety: any number of calls at a time.
class Histogram {
 public:
  /// `bounds`: inclusive upper bounds of the buckets, ascending, of static storage. `steps`: how many of their unit
  /// make one of the base unit: 1,000,000 for microseconds, 1 for what is counted.
  Histogram(std::span<const std::uint64_t> bounds, double steps);

  void observe(std::uint64_t value) noexcept;
  /// For bounds in microseconds. What is negative counts as nothing.
  void observe(std::chrono::nanoseconds time) noexcept;

  /// The count is that of the buckets; the sum may already hold an observation that is being made, or not yet.
  HistogramValue read() const;

 private:
  std::span<const std::uint64_t> bounds_;
  double steps_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;  ///< one more than bounds: what is above them all
  std::atomic<std::uint64_t> sum_ = 0;
};

/// Steps of a histogram whose bounds are microseconds and whose base unit is the second.
inline constexpr double kMicroseconds = 1'000'000;

}  // namespace s3link::metrics
