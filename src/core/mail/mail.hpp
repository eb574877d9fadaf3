#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/secret.hpp"

namespace s3link::mail {

/// One finished message to one recipient: what a MailSender hands on. It holds a presigned URL, so its bytes are secret.
struct Mail {
  std::string envelope_from;       ///< addr-spec, RFC 5321 §4.1.2; empty for the null reverse-path
  std::string envelope_to;         ///< addr-spec
  std::string message_id;          ///< with angle brackets, as in the Message-ID header
  Secret rfc5322;                  ///< headers and body, CRLF line ends, no line over 998 bytes
};

}  // namespace s3link::mail
