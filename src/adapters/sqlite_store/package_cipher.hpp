#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"

struct evp_cipher_ctx_st;

namespace s3link::sqlite_store {

/// Sizes and forms of docs/formats/body-file.md.
inline constexpr std::size_t kPackageBytes = 64 * 1024;  ///< plaintext of every package but the final one
inline constexpr std::size_t kTagBytes = 16;
inline constexpr std::size_t kSealedPackageBytes = kPackageBytes + kTagBytes;
inline constexpr std::size_t kHeaderBytes = 8;
inline constexpr std::string_view kBodyHeader("S3LBODY\x01", kHeaderBytes);

/// 16 random bytes, never used twice; the name of a body's file.
using BodyId = std::array<unsigned char, 16>;
inline std::string_view id_text(const BodyId& id) noexcept {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

/// How many packages a body of that size has; an empty one has one.
constexpr std::uint64_t package_count(std::uint64_t size_bytes) noexcept {
  return size_bytes == 0 ? 1 : (size_bytes + kPackageBytes - 1) / kPackageBytes;
}

/// Fills with the system's randomness. Aborts the process when there is none: nothing can be encrypted then.
void fill_random(std::span<unsigned char> out);

/// AES-256-GCM over the packages of one body. The key is that body's own.
/// Thread safety: one thread at a time.
class PackageCipher {
 public:
  explicit PackageCipher(std::string_view key /* 32 bytes */);
  PackageCipher(PackageCipher&&) noexcept;
  PackageCipher& operator=(PackageCipher&&) noexcept;
  ~PackageCipher();

  /// `sealed` holds plain.size() + kTagBytes.
  void seal(std::uint64_t index, bool final, std::span<const std::byte> plain, std::span<std::byte> sealed);
  /// `plain` holds sealed.size() - kTagBytes. Errors: corrupt; then `plain` is wiped.
  Status open(std::uint64_t index, bool final, std::span<const std::byte> sealed, std::span<std::byte> plain);

 private:
  struct Free {
    void operator()(evp_cipher_ctx_st* context) const noexcept;
  };
  std::unique_ptr<evp_cipher_ctx_st, Free> seal_;
  std::unique_ptr<evp_cipher_ctx_st, Free> open_;
};

/// What the master key itself is used for: wrapping a body's data key, and opening it again. (The key of RowSeals is
/// derived from it.) Thread safety: any number of calls at a time.
class KeyWrap {
 public:
  static constexpr std::size_t kWrappedBytes = 12 + 32 + 16;

  explicit KeyWrap(Secret master_key /* 32 bytes */) : master_(std::move(master_key)) {}
  /// 60 bytes, bound to the body's id.
  std::string wrap(const Secret& data_key, const BodyId& id) const;
  /// Errors: corrupt (another master key, another body's row, damage).
  Result<Secret> unwrap(std::string_view wrapped, const BodyId& id) const;

 private:
  Secret master_;
};

/// 32 random bytes.
Secret make_data_key();

}  // namespace s3link::sqlite_store
