#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/secret.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "ports/login_secrets.hpp"

namespace s3link::link {

/// Where tokens come from. Names of settings in messages begin with "email.oauth.".
struct OauthSettings {
  std::string scheme, host;
  std::uint16_t port = 443;
  std::string authority;  ///< as the Host field says
  std::string target;     ///< path and query
  std::string client_id, scope;
  std::chrono::milliseconds deadline = std::chrono::seconds(30);
};

/// What a client proves itself with.
struct OauthSecrets {
  Secret client_secret;  ///< may be empty beside a refresh token
  Secret refresh_token;  ///< empty: the client's own credentials are used
};

/// Access tokens of OAuth 2.0 (RFC 6749 §4.4 client credentials, §6 refresh token) to log in with (XOAUTH2). A token is
/// kept until shortly before its end; several callers wait for one answer. A refresh token that comes with an answer
/// replaces the old one, until use().
/// Thread safety: calls from one executor; use() from any thread. Its ports must outlive the awaitables.
class OauthTokens final : public ports::LoginSecrets {
 public:
  OauthTokens(OauthSettings settings, OauthSecrets secrets, ports::HttpClient& http, ports::Clock& clock);
  ~OauthTokens() override;

  /// Errors: transient (no answer, 5xx, 429), denied (the endpoint refuses; its own description is in the message).
  Awaitable<Result<Shared>> current() override;
  /// A new token, once for each token that is refused.
  Awaitable<Result<Shared>> after_refusal_of(Shared refused) override;
  /// Other secrets; the next token is asked for with them.
  void use(OauthSecrets fresh);

 private:
  struct Fetch;
  Awaitable<Result<Shared>> fetched();
  Awaitable<Result<Shared>> ask();
  std::string request_body();
  Result<Shared> take(const ports::HttpClientResponse& answer);

  const OauthSettings settings_;
  ports::HttpClient& http_;
  ports::Clock& clock_;
  std::shared_ptr<Fetch> running_;  ///< null: nobody asks at the moment
  std::mutex mutex_;
  OauthSecrets secrets_;
  Shared token_;
  std::chrono::steady_clock::time_point renew_at_;  ///< a life is a length: the wall clock may be set
};

}  // namespace s3link::link
