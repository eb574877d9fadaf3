#pragma once

#include <expected>
#include <string>

#include "core/mail/mail.hpp"
#include "core/mail/send_failure.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What the mail system said when it took responsibility.
struct MailReceipt {
  std::string reply;  ///< the relay's last reply line, or the path of the written .eml file; one line, no secret
};

using mail::FailureScope;
using mail::SendFailure;
using SendResult = std::expected<MailReceipt, SendFailure>;

/// Hands one finished message to a mail system.
/// Thread safety: any number of sends at a time. The sender must outlive the awaitable.
class MailSender {
 public:
  virtual ~MailSender() = default;

  /// Returns once the mail system has taken responsibility (SMTP 250 after DATA, RFC 5321 §4.2.5; a synced .eml file).
  /// Errors: transient (4yz, connection refused or lost, timeout), denied (5yz); mail::judge() tells kind and scope of
  /// a relay's refusal.
  virtual Awaitable<SendResult> send(mail::Mail mail) = 0;
};

}  // namespace s3link::ports
