#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adapters/smtp/relay_dialog.hpp"

namespace s3link::smtp {

/// The mechanisms to try, in order, of those in `offered` ("GSSAPI NTLM LOGIN"), the relay's word on AUTH. One that the
/// user asks for by name is tried even where it is not offered. Never XOAUTH2 but by name.
std::vector<std::string> mechanisms_to_try(mail::RelayAuth auth, std::string_view offered);

/// Logs in as settings.url.user with `secret`, the password or token. Over a connection that is not encrypted a secret
/// is sent to this machine only. After PLAIN is refused LOGIN is tried, on the same connection. Returns the mechanism,
/// empty where there is nobody to log in (no user, email.auth none).
/// Errors: denied (refused by every mechanism, with the relay's code; no mechanism in common), transient (4yz,
/// timeout).
Result<std::string> log_in(RelayDialog& dialog, const RelaySettings& settings, std::string_view secret);

}  // namespace s3link::smtp
