#pragma once

#include <string>
#include <string_view>

namespace s3link::mail {

/// Text as quoted-printable (RFC 2045 §6.7), appended to `out`: LF or CRLF becomes CRLF, no line is longer than 76,
/// blanks at line ends, control characters and non-ASCII bytes are encoded, and so are a leading "From " and "." that
/// relays are known to alter. The text ends with a line end.
void append_quoted_printable(std::string_view text, std::string& out);

}  // namespace s3link::mail
