#include "adapters/smtp/smtp_sender.hpp"

#include <utility>

#include "adapters/smtp/relay_handle.hpp"
#include "adapters/smtp/smtp_session.hpp"
#include "adapters/smtp/worker_pool.hpp"

namespace s3link::smtp {
namespace {

constexpr std::chrono::seconds kIdle{10};

}  // namespace

class SmtpSender::Impl {
 public:
  explicit Impl(RelaySettings relay)
      : settings_(with_roots(std::move(relay))),
        pool_(settings_.concurrency, kIdle, [this] { return std::make_unique<SmtpSession>(settings_); }) {}

  Awaitable<ports::SendResult> send(mail::Mail mail) {
    // Shared, because std::function wants to be copied, and a mail cannot be.
    const auto message = std::make_shared<const mail::Mail>(std::move(mail));
    auto sent = co_await pool_.run([message](SmtpSession& session, const std::atomic<bool>& cancelled) {
      return Result<ports::SendResult>(session.send(*message, cancelled));
    });
    if (!sent) co_return std::unexpected(ports::SendFailure{std::move(sent.error()), ports::FailureScope::message});
    co_return std::move(*sent);
  }

 private:
  const RelaySettings settings_;
  WorkerPool<SmtpSession, ports::SendResult> pool_;
};

SmtpSender::SmtpSender(RelaySettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
SmtpSender::~SmtpSender() = default;

Awaitable<ports::SendResult> SmtpSender::send(mail::Mail mail) { return impl_->send(std::move(mail)); }

}  // namespace s3link::smtp
