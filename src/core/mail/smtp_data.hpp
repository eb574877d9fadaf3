#pragma once

#include <string_view>

#include "core/base/secret.hpp"

namespace s3link::mail {

/// A message as it follows DATA: a dot that begins a line is doubled, the text ends with a line end, and the line with
/// the final dot is behind it. A line end is CRLF; a lone CR or LF becomes one, so that no relay ends the message where
/// another would not. Secret, as the message is.
/// Source: RFC 5321 §4.5.2, §2.3.8.
Secret smtp_data(std::string_view rfc5322);

}  // namespace s3link::mail
