#pragma once

#include <string_view>

#include "core/mail/address.hpp"

namespace s3link::config {

/// A mail address as people write it: a domain with letters outside ASCII becomes its A-labels ("bücher.example" is
/// "xn--bcher-kva.example", IDNA 2008 as RFC 5891 §5 and UTS 46 look it up); letters outside ASCII before the '@' stay,
/// and need a relay that offers SMTPUTF8.
/// Errors: invalid_argument, naming the text.
Result<mail::Address> parse_mail_address(std::string_view text);

}  // namespace s3link::config
