#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "core/base/language.hpp"

namespace s3link::page {

/// Fields that are longer, or name more, are read as if they were not there: nobody is authenticated yet.
inline constexpr std::size_t kMaxAcceptBytes = 1'024;
inline constexpr std::size_t kMaxAcceptItems = 32;

/// Whether a program that sends this Accept field would rather show a page than read XML: it names text/html, and
/// nothing it would like better. Browsers' navigations do; "*/*", S3's clients, and fields that are not of RFC 9110's
/// grammar (Java's "text/html, *; q=.2") do not. Source: RFC 9110 §12.5.1.
bool prefers_html(std::string_view accept) noexcept;

/// The language that this Accept-Language field likes best of ours; of equals the first. Empty: it names none of them.
/// Source: RFC 9110 §12.5.4; regions are passed over (RFC 4647 §3.4).
std::optional<Language> preferred_language(std::string_view accept_language) noexcept;

}  // namespace s3link::page
