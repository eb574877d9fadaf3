#pragma once

#include <memory>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/sigv4/credentials.hpp"
#include "core/trace/segment.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// Keeps the key pair that links are signed with. Thread safety: calls from its executor.
class CredentialsSource {
 public:
  virtual ~CredentialsSource() = default;

  /// The key pair now in use; read from where it is kept when there is none yet. Errors: transient, denied, not_found,
  /// invalid_argument (what is kept there is no key pair).
  virtual Awaitable<Result<std::shared_ptr<const sigv4::Credentials>>> get(Instant deadline, trace::Segment& under) = 0;
  /// The pair in use was refused: the next get() reads it again.
  virtual void refused() noexcept = 0;
};

}  // namespace s3link::ports
