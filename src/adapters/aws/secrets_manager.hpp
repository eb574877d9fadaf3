#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "adapters/aws/signed_call.hpp"
#include "ports/credentials_source.hpp"

namespace s3link::aws {

/// A key pair kept in AWS Secrets Manager as {"AccessKeyId": "…", "SecretAccessKey": "…"}. It is read with the first
/// get(), and again with the first after refused(), but not within kMinAge of the last reading: until then the old pair
/// stands, or the old error. A reading that failed for a passing reason is none: the next get() reads again.
/// Links are checked by S3 only when somebody follows them, so a pair that was replaced is refused to nobody here:
/// after kMaxAge it is read anew, and kept where that fails.
class SecretsManagerCredentials final : public ports::CredentialsSource {
 public:
  static constexpr std::chrono::seconds kMinAge{30};
  static constexpr std::chrono::minutes kMaxAge{60};

  /// `secret_id`: the secret's ARN or name. The caller and the clock must outlive the source.
  SecretsManagerCredentials(Caller& caller, Endpoint endpoint, std::string secret_id, ports::Clock& clock)
      : caller_(caller), endpoint_(std::move(endpoint)), secret_id_(std::move(secret_id)), clock_(clock) {}

  Awaitable<Result<std::shared_ptr<const sigv4::Credentials>>> get(Instant deadline, trace::Segment& under) override;
  void refused() noexcept override { refused_ = true; }

 private:
  Caller& caller_;
  const Endpoint endpoint_;
  const std::string secret_id_;
  ports::Clock& clock_;
  std::shared_ptr<const sigv4::Credentials> pair_;
  std::optional<Error> error_;      // of the last reading, in place of a pair
  std::optional<Instant> read_at_;  // when the last reading was begun
  bool refused_ = false;
};

}  // namespace s3link::aws
