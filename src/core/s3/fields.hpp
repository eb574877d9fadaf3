#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace s3link::s3 {

/// Header fields, or query parameters, in the order they came; the type of ports::HttpFields and sigv4::Fields.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// The value of the first field of that name, ignoring case, or null.
const std::string* find_field(const Fields& fields, std::string_view name) noexcept;
/// All fields of that name, joined by commas (RFC 9110 §5.3).
std::optional<std::string> joined_field(const Fields& fields, std::string_view name);
/// The value of the first query parameter of exactly that name, or null.
const std::string* find_parameter(const Fields& query, std::string_view name) noexcept;

}  // namespace s3link::s3
