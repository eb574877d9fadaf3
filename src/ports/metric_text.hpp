#pragma once

#include <string>
#include <string_view>

#include "core/metrics/family.hpp"

namespace s3link::ports {

/// Writes numbers down for a monitoring system that asks for them. Thread safety: any number of calls at a time.
class MetricText {
 public:
  virtual ~MetricText() = default;

  /// Of write()'s text, constant.
  virtual std::string_view content_type() const noexcept = 0;
  /// The families in their order.
  virtual std::string write(const metrics::Families& families) const = 0;
};

}  // namespace s3link::ports
