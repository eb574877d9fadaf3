#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/encoding.hpp"

struct evp_md_ctx_st;

namespace s3link {

enum class DigestAlgorithm { md5, sha1, sha256 };

/// A digest fed piece by piece. The raw bytes of a digest travel as a std::string (16, 20 or 32 bytes).
/// Thread safety: one thread at a time.
class Digest {
 public:
  explicit Digest(DigestAlgorithm algorithm);
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();

  void update(std::span<const std::byte> data);
  void update(std::string_view data) { update(as_bytes(data)); }
  /// The raw digest. The object may not be used afterwards.
  std::string finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

/// Raw digests of one piece: 32 and 16 bytes.
std::string sha256(std::string_view data);
std::string md5(std::string_view data);
/// RFC 2104 with SHA-256: 32 raw bytes.
std::string hmac_sha256(std::string_view key, std::string_view data);

/// SHA-256 of nothing, in hexadecimal: the payload hash of a request without body.
inline constexpr std::string_view kEmptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace s3link
