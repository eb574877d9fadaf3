#include "core/s3/fields.hpp"

#include "core/base/encoding.hpp"

namespace s3link::s3 {

const std::string* find_field(const Fields& fields, std::string_view name) noexcept {
  for (const auto& [field, value] : fields) {
    if (equals_ignoring_case(field, name)) return &value;
  }
  return nullptr;
}

std::optional<std::string> joined_field(const Fields& fields, std::string_view name) {
  std::optional<std::string> out;
  for (const auto& [field, value] : fields) {
    if (!equals_ignoring_case(field, name)) continue;
    out = out ? *out + "," + value : value;
  }
  return out;
}

const std::string* find_parameter(const Fields& query, std::string_view name) noexcept {
  for (const auto& [parameter, value] : query) {
    if (parameter == name) return &value;
  }
  return nullptr;
}

}  // namespace s3link::s3
