#pragma once

#include <string>

#include "core/base/result.hpp"
#include "core/mail/mail.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What the mail system said when it took responsibility.
struct MailReceipt {
  std::string reply;  ///< the relay's last reply line, or the path of the written .eml file; one line, no secret
};

/// Hands one finished message to a mail system.
/// Thread safety: any number of sends at a time. The sender must outlive the awaitable.
class MailSender {
 public:
  virtual ~MailSender() = default;

  /// Returns once the mail system has taken responsibility (SMTP 250 after DATA, RFC 5321 §4.2.5; a synced .eml file).
  /// Errors: transient (4yz, connection refused or lost, timeout), denied (5yz). The message is the relay's own words;
  /// the code is the reply code ("550") or empty.
  virtual Awaitable<Result<MailReceipt>> send(mail::Mail mail) = 0;
};

}  // namespace s3link::ports
