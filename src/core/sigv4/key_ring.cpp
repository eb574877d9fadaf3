#include "core/sigv4/key_ring.hpp"

#include <utility>

namespace s3link::sigv4 {

std::shared_ptr<const KnownKey> KeyRing::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

std::shared_ptr<const KnownKey> KeyRing::find(std::string_view access_key_id, Instant now) const {
  const std::lock_guard lock(mutex_);
  if (current_->credentials.access_key_id == access_key_id) return current_;
  for (const auto& key : old_) {
    if (key->credentials.access_key_id == access_key_id && now < *key->valid_until) return key;
  }
  return nullptr;
}

void KeyRing::replace(Credentials current, std::vector<OldCredentials> old) {
  auto fresh = std::make_shared<const KnownKey>(std::move(current));
  std::vector<std::shared_ptr<const KnownKey>> fresh_old;
  for (OldCredentials& key : old) {
    fresh_old.push_back(std::make_shared<const KnownKey>(std::move(key.credentials), key.valid_until));
  }
  const std::lock_guard lock(mutex_);
  current_.swap(fresh);
  old_.swap(fresh_old);
}

}  // namespace s3link::sigv4
