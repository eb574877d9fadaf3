#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/instant.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/sigv4/signing_key.hpp"

namespace s3link::sigv4 {

/// A key pair that was replaced, and how long it is still good.
struct OldCredentials {
  Credentials credentials;
  Instant valid_until;
};

/// A pair of the ring, with the signing keys derived from it.
struct KnownKey {
  explicit KnownKey(Credentials pair, std::optional<Instant> end = std::nullopt)
      : credentials(std::move(pair)), valid_until(end), signing_keys(credentials.secret_access_key) {}

  const Credentials credentials;
  const std::optional<Instant> valid_until;  ///< empty: the one in force
  mutable SigningKeyCache signing_keys;
};

/// The key pairs that a server knows: the one in force, and those before it until their ends.
/// Thread safety: any number of calls at a time; what was handed out stays good for whoever holds it.
class KeyRing {
 public:
  explicit KeyRing(Credentials current, std::vector<OldCredentials> old = {}) {
    replace(std::move(current), std::move(old));
  }

  /// The one in force, which signs. Never null.
  std::shared_ptr<const KnownKey> current() const;
  /// The one of that id that is good at `now`; null: none.
  std::shared_ptr<const KnownKey> find(std::string_view access_key_id, Instant now) const;
  /// From here on.
  void replace(Credentials current, std::vector<OldCredentials> old);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const KnownKey> current_;
  std::vector<std::shared_ptr<const KnownKey>> old_;
};

}  // namespace s3link::sigv4
