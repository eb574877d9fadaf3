#pragma once

#include <memory>

#include "adapters/smtp/relay.hpp"
#include "ports/login_secrets.hpp"
#include "ports/mail_sender.hpp"

namespace s3link::smtp {

/// Hands messages to an SMTP relay (RFC 5321). Threads and connections are made when they are needed, at most
/// `concurrency`, reused by the messages that follow (a connection that is open before a new one), and given up after
/// ten seconds without work. A send that is cancelled (asio terminal cancellation) ends soon, as transient. Must be
/// destroyed before the io_context its callers run on; the destructor breaks off what is still being sent.
class SmtpSender final : public ports::MailSender {
 public:
  /// `secrets` may be null where the settings name no user; it must outlive this.
  explicit SmtpSender(RelaySettings settings, ports::LoginSecrets* secrets = nullptr);
  ~SmtpSender() override;

  /// Errors besides the port's: denied with the relay's 535, its own trouble (the message names email.password_file). A
  /// message that was handed over and not answered may have been taken: the repeat carries the same Message-ID.
  /// After a refused login the secrets are asked for another, which is tried at once.
  Awaitable<ports::SendResult> send(mail::Mail mail) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace s3link::smtp
