#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace s3link::ports {

/// Cryptographically strong randomness: keys, request ids, MIME boundaries, jitter. Thread-safe.
class Random {
 public:
  virtual ~Random() = default;

  virtual void fill(std::span<std::byte> out) = 0;
  std::uint64_t next_u64() {
    std::uint64_t value = 0;
    fill(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
};

}  // namespace s3link::ports
