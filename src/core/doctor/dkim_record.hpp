#pragma once

#include <span>
#include <string>

#include "core/base/result.hpp"

namespace s3link::doctor {

/// A published key of those who sign a domain's mail.
struct DkimRecord {
  std::string key_type;  ///< "rsa", "ed25519"
  bool testing = false;  ///< t=y: receivers are asked to pass over failures
};

/// The key among the TXT records of SELECTOR._domainkey.DOMAIN.
/// Errors: not_found (there is none), invalid_argument (more than one, not of the form, revoked).
/// Source: RFC 6376 §3.6.1, RFC 8463 §4.
Result<DkimRecord> find_dkim(std::span<const std::string> texts);

/// What a selector may be: labels of a name. It becomes part of one.
bool is_dkim_selector(std::string_view text);

/// The selectors that well-known mail systems sign with, for when nobody said which one is used.
std::span<const std::string_view> common_dkim_selectors();

}  // namespace s3link::doctor
