#include "core/sigv4/signing_key.hpp"

#include <algorithm>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sigv4 {

SigningKey derive_signing_key(const Secret& secret_access_key, const CredentialScope& scope) {
  const Secret start("AWS4" + std::string(secret_access_key.reveal()));
  const Secret date_key(hmac_sha256(start.reveal(), scope.date));
  const Secret region_key(hmac_sha256(date_key.reveal(), scope.region));
  const Secret service_key(hmac_sha256(region_key.reveal(), scope.service));
  return std::make_shared<const Secret>(hmac_sha256(service_key.reveal(), kScopeTerminal));
}

std::string signature(const SigningKey& key, std::string_view string_to_sign) {
  return hex_encode(hmac_sha256(key->reveal(), string_to_sign));
}

SigningKey SigningKeyCache::get(const CredentialScope& scope) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(keys_, scope, &std::pair<CredentialScope, SigningKey>::first);
  if (found != keys_.end()) {
    std::rotate(found, found + 1, keys_.end());
    return keys_.back().second;
  }
  if (keys_.size() == kMaxKeys) keys_.erase(keys_.begin());
  return keys_.emplace_back(scope, derive_signing_key(secret_, scope)).second;
}

}  // namespace s3link::sigv4
