#pragma once

#include <string>
#include <string_view>

#include "core/base/secret.hpp"
#include "core/mail/link_variables.hpp"
#include "ports/claim_ledger.hpp"

namespace s3link::lambda {

/// What the stored template is filled with: a JSON object of every variable of mail::kLinkVariables, HTML-escaped but
/// for LINK, since Amazon SES escapes nothing; FILE_NAME_TEXT, KEY_TEXT and SENDER_NAME_TEXT, the same unescaped, for
/// the subject and the text part; and REMOVED_LATER, true or false. A variable without a value is "", because SES
/// refuses to render what its template names and the data lack. `data.link` is not looked at.
/// Source: Amazon SES Developer Guide, "Advanced email personalization".
Secret template_data(const mail::LinkMailData& data, const Secret& link);

/// What a mail carries as X-s3link-Id: SHA-256 of what it is about, in hexadecimal. The same when it is repeated.
std::string mail_id(const ports::ClaimKey& key);

/// The text as the value of an SES message tag: A-Z a-z 0-9 _ -, everything else is '_', at most 256 of them.
/// Source: Amazon SES API v2 Reference, "MessageTag".
std::string tag_value(std::string_view text);

/// "Files" of `Files <files@example.org>` or `"Files" <files@example.org>`; empty for a bare address.
std::string sender_name(std::string_view sender);

}  // namespace s3link::lambda
