#pragma once

#include "ports/random.hpp"

namespace s3link::system {

/// OpenSSL's random generator, seeded by the kernel. Thread-safe.
/// Throws std::runtime_error when the generator fails: going on with weak keys is not an option.
class SystemRandom final : public ports::Random {
 public:
  void fill(std::span<std::byte> out) override;
};

}  // namespace s3link::system
