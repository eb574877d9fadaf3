#include "apps/s3link/relay_secrets.hpp"

#include <filesystem>
#include <mutex>
#include <utility>

#include "adapters/http_client/beast_client.hpp"
#include "core/config/values.hpp"
#include "services/link/oauth_tokens.hpp"

namespace s3link::app {
namespace {

/// The password in a file.
class PasswordFile final : public ports::LoginSecrets {
 public:
  PasswordFile(std::filesystem::path file, Secret password)
      : file_(std::move(file)), password_(std::make_shared<const Secret>(std::move(password))) {}

  Awaitable<Result<Shared>> current() override {
    const std::scoped_lock lock(mutex_);
    co_return password_;
  }

  Awaitable<Result<Shared>> after_refusal_of(Shared refused) override {
    auto read = read_secret_file(file_);  // small, and only after a refusal
    const std::scoped_lock lock(mutex_);
    if (read && !constant_time_equal(read->reveal(), password_->reveal())) {
      password_ = std::make_shared<const Secret>(std::move(*read));
    }
    if (constant_time_equal(password_->reveal(), refused->reveal())) co_return nullptr;
    co_return password_;
  }

  void use(Secret password) {
    const std::scoped_lock lock(mutex_);
    password_ = std::make_shared<const Secret>(std::move(password));
  }

 private:
  const std::filesystem::path file_;
  std::mutex mutex_;
  Shared password_;
};

smtp::RelaySettings common_settings(const config::Settings& settings, const mail::RelayUrl& url) {
  smtp::RelaySettings out;
  out.url = url;
  out.helo_name = settings.email.helo_name;
  if (settings.email.ca_file) out.ca_file = settings.email.ca_file->string();
  return out;
}

link::OauthSettings oauth_settings(const config::Settings& settings) {
  auto url = config::split_http_url(settings.email.oauth.token_url).value();  // checked when it was set
  link::OauthSettings out;
  out.scheme = std::move(url.scheme);
  out.host = std::move(url.peer.host);
  out.port = url.peer.port;
  out.authority = std::move(url.authority);
  out.target = std::move(url.target);
  out.client_id = settings.email.oauth.client_id;
  out.scope = settings.email.oauth.scope;
  return out;
}

link::OauthSecrets oauth_secrets(const NamedSecrets& secrets) {
  return {secrets.oauth_client_secret.clone(), secrets.oauth_refresh_token.clone()};
}

}  // namespace

smtp::RelaySettings relay_settings(const config::Settings& settings) {
  auto out = common_settings(settings, *settings.email.relay);
  out.auth = settings.email.auth;
  return out;
}

smtp::RelaySettings alarm_relay_settings(const config::Settings& settings) {
  auto out = common_settings(settings, *settings.alarm.relay);
  out.section = "alarm";
  return out;
}

/// In the order in which it is built.
struct RelaySecrets::Parts {
  std::unique_ptr<http_client::BeastClient> http;
  std::unique_ptr<link::OauthTokens> tokens;
  std::unique_ptr<PasswordFile> links, alarms;
  bool alarms_have_their_own = false;
};

RelaySecrets::RelaySecrets(const config::Settings& settings, const NamedSecrets& secrets, asio::io_context& context,
                           ports::Clock& clock)
    : parts_(std::make_unique<Parts>()) {
  parts_->alarms_have_their_own = settings.alarm.own_transport;
  if (settings.email.auth == mail::RelayAuth::xoauth2) {
    parts_->http = std::make_unique<http_client::BeastClient>(
        context.get_executor(), http_client::ClientOptions{.trust = {}, .max_idle_per_peer = 0});
    parts_->tokens =
        std::make_unique<link::OauthTokens>(oauth_settings(settings), oauth_secrets(secrets), *parts_->http, clock);
  } else if (settings.email.password_file) {
    parts_->links = std::make_unique<PasswordFile>(*settings.email.password_file, secrets.relay_password.clone());
  }
  if (settings.alarm.password_file) {
    parts_->alarms =
        std::make_unique<PasswordFile>(*settings.alarm.password_file, secrets.alarm_relay_password.clone());
  }
}
RelaySecrets::~RelaySecrets() = default;

ports::LoginSecrets* RelaySecrets::links() noexcept {
  if (parts_->tokens) return parts_->tokens.get();
  return parts_->links.get();
}

ports::LoginSecrets* RelaySecrets::alarms() noexcept {
  return parts_->alarms_have_their_own ? parts_->alarms.get() : links();
}

void RelaySecrets::use(const NamedSecrets& fresh) {
  if (parts_->tokens) parts_->tokens->use(oauth_secrets(fresh));
  if (parts_->links) parts_->links->use(fresh.relay_password.clone());
  if (parts_->alarms) parts_->alarms->use(fresh.alarm_relay_password.clone());
}

}  // namespace s3link::app
