#pragma once

#include <memory>

#include "adapters/aws/endpoint.hpp"
#include "core/sigv4/credentials.hpp"
#include "ports/credentials_source.hpp"

namespace s3link::aws {

/// AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN: what Lambda gives a function of its role.
/// Errors: invalid_argument, naming the variable that is missing.
Result<sigv4::Credentials> environment_credentials(const Variables& variables);

/// One key pair for the life of the process: the role's. refused() changes nothing.
class FixedCredentials final : public ports::CredentialsSource {
 public:
  explicit FixedCredentials(std::shared_ptr<const sigv4::Credentials> pair) : pair_(std::move(pair)) {}

  Awaitable<Result<std::shared_ptr<const sigv4::Credentials>>> get(Instant deadline, trace::Segment& under) override;
  void refused() noexcept override {}

 private:
  const std::shared_ptr<const sigv4::Credentials> pair_;
};

}  // namespace s3link::aws
