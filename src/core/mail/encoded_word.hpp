#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s3link::mail {

/// The value of an unstructured header field (Subject). Printable ASCII that fits into the line stays as it is;
/// everything else becomes encoded words (RFC 2047, UTF-8, base64), cut between characters and folded so that no line
/// is longer than
/// 76. `text` is UTF-8 in one line; `column` is where the value starts: the length of "Subject: ".
std::string encode_unstructured(std::string_view text, std::size_t column);

/// The display name of an address (RFC 5322 §3.4): words as they are, else a quoted string, else encoded words.
std::string encode_display_name(std::string_view name, std::size_t column);

}  // namespace s3link::mail
