#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/secret.hpp"
#include "core/sigv4/string_to_sign.hpp"

namespace s3link::sigv4 {

/// 32 raw bytes; shared because a streaming upload uses it long after the cache has let it go.
using SigningKey = std::shared_ptr<const Secret>;

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
