#pragma once

#include <array>
#include <atomic>
#include <string>

#include "adapters/smtp/relay.hpp"
#include "adapters/smtp/relay_handle.hpp"
#include "adapters/smtp/smtp_reply.hpp"
#include "core/mail/mail.hpp"
#include "ports/mail_sender.hpp"

namespace s3link::smtp {

/// One connection to the relay, opened by the first message and kept for those that follow. Blocks.
/// Thread safety: one thread.
class SmtpSession {
 public:
  explicit SmtpSession(const RelaySettings& settings);
  SmtpSession(const SmtpSession&) = delete;
  SmtpSession& operator=(const SmtpSession&) = delete;
  ~SmtpSession();

  /// Returns within about a second, as transient, once `cancelled` is true. Errors: MailSender's.
  ports::SendResult send(const mail::Mail& mail, const std::atomic<bool>& cancelled);

 private:
  struct Callbacks;
  ports::SendFailure explain(int curl_code) const;

  mail::RelayUrl relay_url_;
  std::string relay_;  ///< "host:port", for messages
  std::array<char, 256> curl_message_{};
  ReplyReader replies_;
  std::string_view unread_;  ///< of the message, by curl
  const std::atomic<bool>* cancelled_ = nullptr;
  bool handed_over_ = false;  ///< curl has read the whole message
  RelayHandle easy_;          ///< last: its destruction still calls back
};

}  // namespace s3link::smtp
