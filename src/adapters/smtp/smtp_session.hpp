#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "adapters/smtp/relay.hpp"
#include "adapters/smtp/relay_dialog.hpp"
#include "core/mail/mail.hpp"
#include "core/mail/smtp_verdict.hpp"
#include "ports/mail_sender.hpp"

namespace s3link::smtp {

/// One connection to the relay, opened by the first message and kept for those that follow. It is given up with the
/// first error that is no refusal, so that no reply is ever taken for the answer to another message; after a refusal it
/// is used again only when the relay has confirmed RSET. A kept connection that turns out to be closed costs nothing:
/// the message goes over a new one at once.
/// Blocks. Thread safety: one thread.
class SmtpSession {
 public:
  /// `settings` must outlive it.
  explicit SmtpSession(const RelaySettings& settings) : settings_(settings) {}
  SmtpSession(const SmtpSession&) = delete;
  SmtpSession& operator=(const SmtpSession&) = delete;
  ~SmtpSession();

  /// A connection is kept; the relay may have closed it since.
  bool ready() const noexcept { return dialog_ != nullptr; }

  /// `secret` is for a new connection. Returns within about a second, as transient, once `cancelled` is true.
  ports::SendResult send(const mail::Mail& mail, std::string_view secret, const std::atomic<bool>& cancelled);

 private:
  bool has_usable_connection();
  std::optional<ports::SendFailure> connect(const std::string& sender, std::string_view secret,
                                            const std::atomic<bool>& cancelled);
  ports::SendResult hand_over(const mail::Mail& mail);
  std::optional<ports::SendFailure> say(mail::SmtpPhase phase, const std::string& command,
                                        std::chrono::milliseconds timeout, unsigned wanted);
  ports::SendFailure refused(mail::SmtpPhase phase, const Reply& reply);
  ports::SendFailure broken(Error error) const;
  ports::SendFailure unanswered(const Error& error) const;

  const RelaySettings& settings_;
  std::unique_ptr<RelayDialog> dialog_;  ///< null: no connection
  bool in_doubt_ = false;                ///< a refusal came: RSET before the next message
  bool gone_ = false;                    ///< the last failure is that of a connection that had ended before
};

}  // namespace s3link::smtp
