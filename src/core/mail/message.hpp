#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/secret.hpp"
#include "core/mail/address.hpp"

namespace s3link::mail {

/// What an Internet message is made of. Texts that come from outside may hold anything: what could end a header line is
/// removed here, not by the caller.
struct MessageParts {
  Address from;
  std::string_view from_name;  ///< UTF-8; empty: the address alone
  Address to;
  std::optional<Address> reply_to = {};
  std::string_view subject;  ///< UTF-8
  Instant date;
  std::string_view message_id;     ///< with angle brackets, from message_id_of()
  std::string_view text;           ///< UTF-8, LF line ends
  std::string_view html;           ///< empty: the text alone
  std::string_view boundary_seed;  ///< random hexadecimal, at least 16 and at most 60 characters; with html only
  std::string_view trace_id = {};  ///< "1-5759e988-bd862e3fe1be46a994272793", for X-Amzn-Trace-Id; empty: no such field
};

/// The message as it goes to the relay: RFC 5322 headers in ASCII (RFC 2047), a multipart/alternative body of text and
/// HTML, or the text alone, in quoted-printable, CRLF, 7 bit, no line over 998 bytes. It is marked as generated (RFC
/// 3834), so that no vacation program answers it. Secret, because bodies hold links.
Secret build_message(const MessageParts& parts);

/// "<32 hexadecimal digits@domain>", the same for the same identity: a message that is sent twice is recognised as one.
/// The parts of the identity are told apart: {"ab", "c"} is another than {"a", "bc"}.
std::string message_id_of(const std::vector<std::string_view>& identity, const Address& sender);

}  // namespace s3link::mail
