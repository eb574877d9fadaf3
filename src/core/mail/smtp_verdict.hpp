#pragma once

#include <string_view>

#include "core/base/result.hpp"
#include "core/mail/send_failure.hpp"

namespace s3link::mail {

/// What a relay was answering.
enum class SmtpPhase {
  connection,   ///< name, TCP, TLS from the first byte
  greeting,     ///< the first reply
  hello,        ///< EHLO, HELO, STARTTLS
  login,        ///< AUTH
  sender,       ///< MAIL FROM
  recipient,    ///< RCPT TO
  data,         ///< DATA, before the first byte of the message
  end_of_data,  ///< the final dot
};

/// What a refusal means for the retry.
struct SmtpVerdict {
  ErrorKind kind = ErrorKind::transient;  ///< denied: repeating is useless until somebody changes something
  FailureScope scope = FailureScope::message;
  bool operator==(const SmtpVerdict&) const = default;
};

/// Judges a reply of 4yz or 5yz. `reply` is the whole reply, "451 4.7.1 Greylisted": its first three digits are the
/// code; an enhanced status code may follow. An empty `reply` means that none came: it is the relay's trouble in every
/// phase but end_of_data, where it is the message's.
///
/// The relay's trouble, whatever the phase: 421, 432, 530, 534, 535, 538, 4.3.1, 4.3.2, 4.7.500 and following (Exchange
/// Online), 5.4.5 (Gmail's daily quota), and what speaks of throttling. Before the first recipient is named, every
/// refusal but a 5yz to MAIL is. A 4yz to RCPT is that recipient's: greylisting (RFC 6647) says 450 or 451 4.7.1 there.
/// Source: RFC 5321 §4.2, RFC 3463, RFC 4954 §6; SES Developer Guide, "SMTP response codes".
SmtpVerdict judge(SmtpPhase phase, std::string_view reply);

/// Of a failure with scope relay: it asks for fewer connections or mails, rather than being away or refusing the login.
bool asks_for_less(const SendFailure& failure);
/// Of a failure with scope relay: it does not take our login (530, 535, 5yz to AUTH, no mechanism in common).
bool refuses_login(const SendFailure& failure);

}  // namespace s3link::mail
