#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace s3link {

/// A moment in UTC, to the millisecond: what the database, the mail and the signatures speak of.
using Instant = std::chrono::sys_time<std::chrono::milliseconds>;

/// "20130524T000000Z": ISO 8601 basic, as in x-amz-date.
std::string amz_date(Instant when);
/// Empty optional unless exactly of that form and a real date.
std::optional<Instant> parse_amz_date(std::string_view text);

/// "2013-05-24T00:00:00.000Z": ISO 8601 extended with milliseconds, as in S3's XML and events.
std::string iso8601(Instant when);
/// With or without a fraction (cut to milliseconds); 'Z' required.
std::optional<Instant> parse_iso8601(std::string_view text);

/// "Fri, 24 May 2013 00:00:00 GMT": IMF-fixdate, RFC 9110 §5.6.7.
std::string http_date(Instant when);
/// IMF-fixdate only.
std::optional<Instant> parse_http_date(std::string_view text);

/// "Fri, 24 May 2013 00:00:00 +0000": RFC 5322 §3.3.
std::string mail_date(Instant when);

/// Milliseconds since 1970-01-01T00:00:00Z, and back.
inline std::int64_t to_unix_ms(Instant when) noexcept { return when.time_since_epoch().count(); }
inline Instant from_unix_ms(std::int64_t ms) noexcept { return Instant(std::chrono::milliseconds(ms)); }

}  // namespace s3link
