#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"

namespace s3link::mail {

/// A size in the unit that shows it best.
struct RoundedSize {
  std::string number;     ///< "1.2", "123": three digits at most
  std::size_t power = 0;  ///< of 1,000: 1 is kB, 6 is EB; 0: bytes
};
RoundedSize rounded_size(std::uint64_t size_bytes);
/// Decimal digits in groups of three: "1,234,567".
std::string grouped(std::uint64_t value, std::string_view separator);

/// "1.2 MB (1,234,567 bytes)", in powers of 1,000; under that "512 bytes", "1 byte".
std::string size_in_words(std::uint64_t size_bytes);

/// "Tuesday, 8 December 2026, 14:00:05 UTC".
std::string instant_in_words(Instant when);
/// "8 Dec 14:00 UTC": for subjects; the seconds are cut, so it is never later than `when`.
std::string instant_in_short(Instant when);

/// "5 hours", "1 day 3 hours", "1 minute 30 seconds": the two largest units, rounded to the smaller of them where it is
/// fine (from ten minutes on, to minutes; from a day on, to hours). Not positive: "0 seconds".
std::string duration_in_words(std::chrono::seconds duration);

}  // namespace s3link::mail
