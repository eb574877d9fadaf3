#pragma once

#include <memory>

#include "adapters/smtp/relay.hpp"
#include "ports/mail_sender.hpp"

namespace s3link::smtp {

/// Hands messages to an SMTP relay (RFC 5321) through libcurl. Threads and connections are made when they are needed,
/// at most `concurrency`, reused by the messages that follow, and given up after ten seconds without work. A send that
/// is cancelled (asio terminal cancellation) ends soon, as transient. Must be destroyed before the io_context its
/// callers run on; the destructor breaks off what is still being sent.
class SmtpSender final : public ports::MailSender {
 public:
  explicit SmtpSender(RelaySettings settings);
  ~SmtpSender() override;

  /// Errors besides the port's: denied with the relay's 535 (message names email.password_file). After a connection
  /// that breaks when the message was handed over, it may have been taken: the repeat carries the same Message-ID.
  Awaitable<ports::SendResult> send(mail::Mail mail) override;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace s3link::smtp
