#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/language.hpp"

namespace s3link::mail {

/// How far local time is ahead of UTC at a moment. The zones are the system's: the core is given this. Null: UTC.
using UtcOffset = std::chrono::seconds (*)(Instant);

/// A moment for people: "Monday, 30 November, 14:00 (UTC+1)", "lundi 30 novembre à 14:00 (UTC+1)". Seconds are cut, so
/// it is never later than `when`; they are told where that is less than ten minutes after `now`. The year is named
/// where it is not that of `now`. It reads well behind "until"; Polish and Ukrainian have the month in the genitive,
/// the weekday in the nominative.
std::string moment_in_words(Instant when, Instant now, Language language, UtcOffset offset);
/// The same without the weekday: "30 November, 14:00 (UTC+1)".
std::string moment_in_short(Instant when, Instant now, Language language, UtcOffset offset);

/// "1,2 MB (1.234.567 Bytes)", in powers of 1,000; under that "512 Bytes", "1 Byte".
std::string size_in_words(std::uint64_t size_bytes, Language language);

}  // namespace s3link::mail
