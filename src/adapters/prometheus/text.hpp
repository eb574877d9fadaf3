#pragma once

#include "ports/metric_text.hpp"

namespace s3link::prometheus {

/// The text exposition format, version 0.0.4, by prometheus-cpp.
/// Source: Prometheus documentation, "Exposition formats".
class PrometheusText final : public ports::MetricText {
 public:
  std::string_view content_type() const noexcept override { return "text/plain; version=0.0.4; charset=utf-8"; }
  std::string write(const metrics::Families& families) const override;
};

}  // namespace s3link::prometheus
