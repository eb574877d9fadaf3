#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::mail {

/// An addr-spec "local@domain": dot-atom local part of at most 64 bytes, host name or address literal as domain, at
/// most 254 bytes in all. Nothing in it needs quoting in a header or an SMTP command. The domain is ASCII in
/// lower case, however it was written; the local part is kept as it is, and is ASCII, but for parse_utf8(), whose
/// addresses only relays with SMTPUTF8 take. Addresses that mean the same mailbox by that are equal. Source: RFC 5321
/// §2.4, §4.1.2 and §4.5.3.1 (without quoted strings), RFC 5322 §3.4.1, RFC 6531 §3.3.
class Address {
 public:
  /// Errors: invalid_argument, naming the text.
  static Result<Address> parse(std::string_view text);
  /// Letters outside ASCII are allowed before the '@'.
  static Result<Address> parse_utf8(std::string_view text);
  const std::string& text() const noexcept { return text_; }
  std::string_view domain() const noexcept { return std::string_view(text_).substr(text_.rfind('@') + 1); }
  bool operator==(const Address&) const = default;

 private:
  explicit Address(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace s3link::mail
