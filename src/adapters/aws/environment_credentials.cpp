#include "adapters/aws/environment_credentials.hpp"

namespace s3link::aws {

Result<sigv4::Credentials> environment_credentials(const Variables& variables) {
  std::string id = variables("AWS_ACCESS_KEY_ID");
  if (id.empty()) return fail(ErrorKind::invalid_argument, "AWS_ACCESS_KEY_ID is not set");
  std::string secret = variables("AWS_SECRET_ACCESS_KEY");
  if (secret.empty()) return fail(ErrorKind::invalid_argument, "AWS_SECRET_ACCESS_KEY is not set");
  return sigv4::Credentials{.access_key_id = std::move(id),
                            .secret_access_key = Secret(std::move(secret)),
                            .session_token = Secret(variables("AWS_SESSION_TOKEN"))};
}

// Nothing is waited for, so there is neither a deadline nor a subsegment.
Awaitable<Result<std::shared_ptr<const sigv4::Credentials>>> FixedCredentials::get(Instant /*deadline*/,
                                                                                   trace::Segment& /*under*/) {
  co_return pair_;
}

}  // namespace s3link::aws
