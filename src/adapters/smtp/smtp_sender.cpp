#include "adapters/smtp/smtp_sender.hpp"

#include <utility>

#include "adapters/smtp/relay_handle.hpp"
#include "adapters/smtp/smtp_session.hpp"
#include "adapters/smtp/worker_pool.hpp"
#include "core/mail/smtp_verdict.hpp"

namespace s3link::smtp {
namespace {

constexpr std::chrono::seconds kIdle{10};

}  // namespace

class SmtpSender::Impl {
 public:
  Impl(RelaySettings relay, ports::LoginSecrets* secrets)
      : settings_(with_roots(std::move(relay))),
        secrets_(settings_.url.user.empty() || settings_.auth == mail::RelayAuth::none ? nullptr : secrets),
        pool_(settings_.concurrency, kIdle, [this] { return std::make_unique<SmtpSession>(settings_); }) {}

  Awaitable<ports::SendResult> send(mail::Mail mail) {
    // Shared, because std::function wants to be copied, and a mail cannot be.
    const auto message = std::make_shared<const mail::Mail>(std::move(mail));
    auto secret = std::make_shared<const Secret>();
    if (secrets_ != nullptr) {
      auto current = co_await secrets_->current();
      if (!current) co_return no_secret(std::move(current.error()));
      secret = std::move(*current);
    }
    auto sent = co_await attempt(message, secret);
    if (sent || secrets_ == nullptr || sent.error().error.code.empty() || !mail::refuses_login(sent.error())) {
      co_return sent;
    }
    const auto other = co_await secrets_->after_refusal_of(secret);
    if (!other || *other == nullptr) co_return sent;
    co_return co_await attempt(message, *other);
  }

 private:
  static ports::SendResult no_secret(Error error) {
    return std::unexpected(ports::SendFailure{std::move(error), ports::FailureScope::relay});
  }

  Awaitable<ports::SendResult> attempt(std::shared_ptr<const mail::Mail> message, ports::LoginSecrets::Shared secret) {
    auto sent = co_await pool_.run([message, secret](SmtpSession& session, const std::atomic<bool>& cancelled) {
      return Result<ports::SendResult>(session.send(*message, secret->reveal(), cancelled));
    });
    if (!sent) co_return std::unexpected(ports::SendFailure{std::move(sent.error()), ports::FailureScope::ours});
    co_return std::move(*sent);
  }

  const RelaySettings settings_;
  ports::LoginSecrets* const secrets_;
  WorkerPool<SmtpSession, ports::SendResult> pool_;
};

SmtpSender::SmtpSender(RelaySettings settings, ports::LoginSecrets* secrets)
    : impl_(std::make_unique<Impl>(std::move(settings), secrets)) {}
SmtpSender::~SmtpSender() = default;

Awaitable<ports::SendResult> SmtpSender::send(mail::Mail mail) { return impl_->send(std::move(mail)); }

}  // namespace s3link::smtp
