#include "core/metrics/histogram.hpp"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <thread>
#include <vector>

namespace s3link::metrics {
namespace {

using namespace std::chrono_literals;

constexpr std::array<std::uint64_t, 3> kBounds = {1'000, 10'000, 1'000'000};

TEST(HistogramTest, BoundsAreInclusiveAndCountsCumulative) {
  Histogram histogram(kBounds, kMicroseconds);
  for (const std::uint64_t value : {0, 1'000, 1'001, 10'000, 10'001, 2'000'000}) histogram.observe(value);
  EXPECT_EQ(histogram.read(),
            (HistogramValue{.buckets = {{0.001, 2}, {0.01, 4}, {1, 5}}, .count = 6, .sum = 2.022002}));
}

TEST(HistogramTest, AnEmptyOneHasAllItsBuckets) {
  EXPECT_EQ(Histogram(kBounds, 1).read(),
            (HistogramValue{.buckets = {{1'000, 0}, {10'000, 0}, {1'000'000, 0}}, .count = 0, .sum = 0}));
}

TEST(HistogramTest, ATimeIsRoundedUpSoThatItIsInNoBucketBelowIt) {
  Histogram histogram(kBounds, kMicroseconds);
  histogram.observe(1ms + 1ns);
  histogram.observe(-5ms);
  EXPECT_EQ(histogram.read(),
            (HistogramValue{.buckets = {{0.001, 1}, {0.01, 2}, {1, 2}}, .count = 2, .sum = 0.001001}));
}

TEST(HistogramTest, NothingIsLostBetweenThreads) {
  constexpr std::uint64_t kEach = 20'000;
  Histogram histogram(kBounds, 1);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < kEach; ++i) histogram.observe(std::uint64_t{3});
    });
  }
  std::uint64_t last = 0;
  while (last < 4 * kEach) {
    const auto now = histogram.read();
    ASSERT_GE(now.count, last);
    ASSERT_EQ(now.buckets.back().cumulative, now.count);
    last = now.count;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(histogram.read().sum, 3.0 * 4 * kEach);
}

}  // namespace
}  // namespace s3link::metrics
