#include "adapters/system/system_random.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <climits>
#include <stdexcept>

namespace s3link::system {

void SystemRandom::fill(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto piece = out.first(std::min<std::size_t>(out.size(), INT_MAX));
    if (RAND_bytes(reinterpret_cast<unsigned char*>(piece.data()), static_cast<int>(piece.size())) != 1) {
      throw std::runtime_error("the random generator failed");
    }
    out = out.subspan(piece.size());
  }
}

}  // namespace s3link::system
