#pragma once

#include <memory>

#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What a user logs in with at a relay: a password, or a token that expires.
/// Thread safety: calls from one executor at a time. It must outlive the awaitables.
class LoginSecrets {
 public:
  using Shared = std::shared_ptr<const Secret>;
  virtual ~LoginSecrets() = default;

  /// What is to be used now; never null. Errors: transient (it cannot be had at the moment), denied (not at all); the
  /// message names the setting, and holds no secret.
  virtual Awaitable<Result<Shared>> current() = 0;

  /// The relay has refused `refused`: another one to try at once, or null where there is none. Errors: as above.
  virtual Awaitable<Result<Shared>> after_refusal_of(Shared refused) = 0;
};

}  // namespace s3link::ports
