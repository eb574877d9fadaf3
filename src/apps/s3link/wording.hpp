#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"

namespace s3link::app {

/// "512 B", "1.2 MB": decimal units, as file managers show them.
std::string size_in_words(std::uint64_t bytes);

/// "12 s", "5 min", "3 h", "2 d": whole units, rounded down; "0 s" for less.
std::string duration_in_words(std::chrono::milliseconds value);

/// "1 attempt", "2 attempts": of a noun whose plural is made with s.
std::string counted(std::uint64_t count, std::string_view noun);

/// "2026-12-08 14:00:05 UTC".
std::string instant_in_words(Instant when);

/// As a shell takes it: in quotes, where it has to be.
std::string quoted_for_shell(const std::string& text);

/// Text of others on a terminal: control characters, and those that show nothing or turn the reading direction, become
/// '?'; at most `max_characters` of UTF-8, the end cut with "…".
std::string printable(std::string_view text, std::size_t max_characters = 10'000);

}  // namespace s3link::app
