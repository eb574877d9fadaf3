#include "core/base/encoding.hpp"
#include "ports/http_handler.hpp"

namespace s3link::ports {

const std::string* find_field(const HttpFields& fields, std::string_view name) noexcept {
  for (const auto& [field, value] : fields) {
    if (equals_ignoring_case(field, name)) return &value;
  }
  return nullptr;
}

}  // namespace s3link::ports
