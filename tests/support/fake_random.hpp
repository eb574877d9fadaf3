#pragma once

#include <mutex>

#include "ports/random.hpp"

namespace s3link::test_support {

/// The same bytes in every run (SplitMix64). Thread-safe.
class FakeRandom final : public ports::Random {
 public:
  explicit FakeRandom(std::uint64_t seed = 1) : state_(seed) {}

  void fill(std::span<std::byte> out) override {
    const std::scoped_lock lock(mutex_);
    for (std::byte& byte : out) {
      state_ += 0x9E3779B97F4A7C15U;
      std::uint64_t z = state_;
      z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
      z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
      byte = static_cast<std::byte>((z ^ (z >> 31U)) & 0xFFU);
    }
  }

 private:
  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace s3link::test_support
