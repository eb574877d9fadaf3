#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace s3link::s3 {

/// A Cache-Control for an answer that only the one who asked may keep, and no longer than `left`: "private,
/// max-age=60". Of `given`, what was stored with the object or asked for, that remains which makes it stricter: a
/// shorter max-age, no-store, no-cache, no-transform, must-revalidate. Source: RFC 9111 §5.2.2.
std::string private_cache_control(std::string_view given, std::chrono::seconds left);

}  // namespace s3link::s3
