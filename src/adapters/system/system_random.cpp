#include "adapters/system/system_random.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <climits>
#include <stdexcept>

namespace s3link::system {

namespace {

void generate(std::span<std::byte> out) {
  while (!out.empty()) {
    const auto piece = out.first(std::min<std::size_t>(out.size(), INT_MAX));
    if (RAND_bytes(reinterpret_cast<unsigned char*>(piece.data()), static_cast<int>(piece.size())) != 1) {
      throw std::runtime_error("the random generator failed");
    }
    out = out.subspan(piece.size());
  }
}

// Bytes generated ahead: a call of the generator costs some microseconds however little it is asked for, and every
// request needs an id. What was handed out is wiped. The program never goes on after a fork, so no two processes share
// a reserve.
class Reserve {
 public:
  static constexpr std::size_t kLargestPiece = 64;

  ~Reserve() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

  void take(std::span<std::byte> out) {
    if (left_ < out.size()) {
      generate(bytes_);
      left_ = bytes_.size();
    }
    const auto piece = std::span(bytes_).subspan(bytes_.size() - left_, out.size());
    std::ranges::copy(piece, out.begin());
    OPENSSL_cleanse(piece.data(), piece.size());
    left_ -= out.size();
  }

 private:
  std::array<std::byte, 1024> bytes_;
  std::size_t left_ = 0;
};

}  // namespace

void SystemRandom::fill(std::span<std::byte> out) {
  thread_local Reserve reserve;
  if (out.size() > Reserve::kLargestPiece) {
    generate(out);
  } else if (!out.empty()) {
    reserve.take(out);
  }
}

}  // namespace s3link::system
