#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace s3link {

/// Bytes of the well-formed UTF-8 sequence `text` begins with; 0 when it begins with none. `text` is not empty.
std::size_t utf8_sequence_length(std::string_view text) noexcept;

/// Appends `text` as a JSON string with its quotes (RFC 8259 §7): control characters, also U+007F to U+009F, which
/// terminals obey, are escaped, and a byte that is not UTF-8 becomes U+FFFD, so the result is always valid.
/// What comes after `max_characters` Unicode code points is left out.
void append_json_string(std::string& out, std::string_view text, std::size_t max_characters = std::string_view::npos);

/// The same as a value.
std::string json_string(std::string_view text, std::size_t max_characters = std::string_view::npos);

}  // namespace s3link
