#pragma once

#include <string>

#include "core/mail/address.hpp"

namespace s3link::config {

/// How an organisation is called by its domain: the label before the public suffix ("acme" of files@mail.acme.co.uk);
/// of an A-label, the name it stands for. "s3link" where the address names none: this
/// machine, an address, a name of one label, a public suffix. Source: https://publicsuffix.org/list/.
std::string organisation_of(const mail::Address& address);

}  // namespace s3link::config
