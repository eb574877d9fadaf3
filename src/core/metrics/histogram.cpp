#include "core/metrics/histogram.hpp"

#include <algorithm>

namespace s3link::metrics {

Histogram::Histogram(std::span<const std::uint64_t> bounds, double steps)
    : bounds_(bounds), steps_(steps), counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {}

void Histogram::observe(std::uint64_t value) noexcept {
  const auto index = static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
  counts_[index].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::observe(std::chrono::nanoseconds time) noexcept {
  const auto microseconds = std::chrono::ceil<std::chrono::microseconds>(time).count();
  observe(static_cast<std::uint64_t>(std::max<std::chrono::microseconds::rep>(microseconds, 0)));
}

HistogramValue Histogram::read() const {
  HistogramValue out;
  out.buckets.reserve(bounds_.size());
  for (std::size_t index = 0; index < bounds_.size(); ++index) {
    out.count += counts_[index].load(std::memory_order_relaxed);
    out.buckets.push_back({static_cast<double>(bounds_[index]) / steps_, out.count});
  }
  out.count += counts_[bounds_.size()].load(std::memory_order_relaxed);
  out.sum = static_cast<double>(sum_.load(std::memory_order_relaxed)) / steps_;
  return out;
}

}  // namespace s3link::metrics
