#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::mail {

/// Whether a plain connection is upgraded by STARTTLS (RFC 3207): the relay must offer it, may offer it, is not asked.
enum class StartTls { required, optional, never };

/// Where mail is handed in: smtp://[user@]host[:port][?starttls=required|optional|never] or smtps://[user@]host[:port].
///
/// Without a port: 465 for smtps (RFC 8314), 587 with a user (RFC 6409), else 25. Without starttls: required with a
/// user, because a password follows, else optional. A password never stands in the URL, and never travels in clear to
/// another machine: a user with starttls=never is refused unless the host is this machine.
struct RelayUrl {
  std::string host;  ///< name or address; an IPv6 address without brackets
  std::uint16_t port = 25;
  std::string user;           ///< decoded; empty: no AUTH
  bool implicit_tls = false;  ///< smtps: TLS from the first byte
  StartTls starttls = StartTls::optional;

  /// Errors: invalid_argument; the message does not quote the text, which may hold a password put there by mistake.
  static Result<RelayUrl> parse(std::string_view text);
  bool operator==(const RelayUrl&) const = default;
};

/// The host is the loopback interface: what is sent there is sent to nobody else.
bool is_this_machine(std::string_view host) noexcept;

}  // namespace s3link::mail
