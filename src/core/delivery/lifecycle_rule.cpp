#include "core/delivery/lifecycle_rule.hpp"

namespace s3link::delivery {

Instant s3_removal(Instant created, std::chrono::days days) {
  return std::chrono::ceil<std::chrono::days>(created + days);
}

}  // namespace s3link::delivery
