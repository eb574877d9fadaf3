#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::config {

/// "90s", "15m", "5h", "1d": a whole number and one unit. Errors: invalid_argument.
Result<std::chrono::seconds> parse_duration(std::string_view text);
/// In the largest unit that needs no fraction: 5400 s is "90m". What parse_duration reads.
std::string format_duration(std::chrono::seconds value);

/// Bytes: "5368709120", or a whole number with KiB, MiB, GiB, TiB: "5GiB". Errors: invalid_argument.
Result<std::uint64_t> parse_size(std::string_view text);
/// In the largest unit that needs no fraction. What parse_size reads.
std::string format_size(std::uint64_t bytes);

}  // namespace s3link::config
