#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/instant.hpp"
#include "core/base/language.hpp"
#include "core/mail/local_words.hpp"

namespace s3link::mail {

/// What a link mail tells its reader.
struct LinkMailData {
  std::string_view link;  ///< the presigned URL
  std::string_view bucket;
  std::string_view key;
  std::uint64_t size_bytes = 0;
  std::string_view sha256;  ///< raw, 32 bytes
  std::string_view sender_name;
  Instant now;
  Instant deadline;                   ///< when the link dies
  std::optional<Instant> removed_at;  ///< when the file is removed
  Language language = Language::en;   ///< of the local variables, and so is the zone
  UtcOffset utc_offset = nullptr;
};

/// The names of what every host's templates can show, in English and in UTC; LinkTemplate says what each holds.
inline constexpr std::array<std::string_view, 11> kLinkVariables = {
    "LINK",   "FILE_NAME", "FILE_SIZE", "EXPIRES_AT",  "EXPIRES_IN",   "REMOVED_AT",
    "BUCKET", "KEY",       "SHA256",    "SENDER_NAME", "EXPIRES_SHORT"};

/// Their values, in that order: plain text, not escaped for anything; empty where there is none. The same words for
/// every host that sends link mails. LINK is a secret.
std::array<std::pair<std::string_view, std::string>, kLinkVariables.size()> link_variables(const LinkMailData& data);

/// Whether the file outlives its link.
bool removed_later(const LinkMailData& data);

/// For HTML's text and attribute values: & < > " '.
std::string html_escape(std::string_view text);

}  // namespace s3link::mail
