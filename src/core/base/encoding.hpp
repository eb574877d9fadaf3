#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace s3link {

/// Lower-case hexadecimal.
std::string hex_encode(std::string_view bytes);
/// Either case; empty optional for an odd length or another character.
std::optional<std::string> hex_decode(std::string_view text);

/// Base64 with padding, RFC 4648 §4.
std::string base64_encode(std::string_view bytes);
/// Strict: padding required, no white space, no stray bits.
std::optional<std::string> base64_decode(std::string_view text);

/// The UriEncode() of SigV4: everything but A-Z a-z 0-9 - . _ ~ becomes %XX, upper case.
/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header".
std::string uri_encode(std::string_view text);
/// The same, written behind what `out` holds.
void append_uri_encoded(std::string& out, std::string_view text);
/// uri_encode(), but '/' stays: for object keys in a path.
std::string uri_encode_path(std::string_view path);
/// Undoes %XX; '+' stays a plus. Empty optional for a broken escape.
std::optional<std::string> uri_decode(std::string_view text);

/// application/x-www-form-urlencoded, as the keys inside S3 event records are: like uri_encode_path, but a space is
/// '+', and '*' stays as it is (Java's URLEncoder, with '/' left alone).
std::string form_encode_key(std::string_view key);
/// '+' becomes a space first, then %XX is undone. Empty optional for a broken escape.
std::optional<std::string> form_decode(std::string_view text);

/// Well-formed UTF-8, RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

/// ASCII lower case, independent of the locale.
std::string to_lower(std::string_view text);
/// ASCII, ignoring case: header names.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// Without blanks and tabs at both ends.
std::string_view trim(std::string_view text) noexcept;

/// The same bytes seen as characters, and the other way round.
inline std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

}  // namespace s3link
