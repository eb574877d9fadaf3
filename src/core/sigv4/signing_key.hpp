#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/secret.hpp"
#include "core/sigv4/string_to_sign.hpp"

struct evp_md_ctx_st;

namespace s3link::sigv4 {

/// A key of HMAC-SHA256, ready for use: its two pads are hashed once and not for every text (RFC 2104, section 4).
/// Thread safety: any number of calls at a time.
class HmacKey {
 public:
  /// At most 64 bytes, the block of SHA-256.
  explicit HmacKey(Secret bytes);
  HmacKey(const HmacKey&) = delete;
  HmacKey& operator=(const HmacKey&) = delete;
  ~HmacKey();

  std::string_view reveal() const noexcept { return bytes_.reveal(); }
  /// 32 raw bytes.
  std::array<char, 32> hmac(std::string_view text) const;

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const noexcept;
  };
  using Context = std::unique_ptr<evp_md_ctx_st, Free>;
  static Context started(std::string_view key, char pad);

  Secret bytes_;
  Context inner_, outer_;
};

/// 32 raw bytes; shared because a streaming upload uses it long after the cache has let it go.
using SigningKey = std::shared_ptr<const HmacKey>;

/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", Task 3.
SigningKey derive_signing_key(const Secret& secret_access_key, const CredentialScope& scope);

/// 64 hexadecimal digits.
std::string signature(const SigningKey& key, std::string_view string_to_sign);

/// The signing keys of one secret, derived once a scope. Holds at most kMaxKeys: presigned URLs live for a week, so
/// no more days than that are in use at a time.
/// Thread safety: any number of calls at a time.
class SigningKeyCache {
 public:
  static constexpr std::size_t kMaxKeys = 16;

  /// The secret must outlive the cache.
  explicit SigningKeyCache(const Secret& secret_access_key) : secret_(secret_access_key) {}
  SigningKey get(const CredentialScope& scope);

 private:
  const Secret& secret_;
  std::mutex mutex_;
  std::vector<std::pair<CredentialScope, SigningKey>> keys_;  // the one used longest ago first
};

}  // namespace s3link::sigv4
