#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/instant.hpp"
#include "ports/metric_sink.hpp"

namespace s3link::system {

struct EmbeddedMetricsOptions {
  std::string name_space;                                       ///< CloudWatch's, 1 to 255 characters, not "AWS/…"
  std::vector<std::pair<std::string, std::string>> dimensions;  ///< at most 30; none may be empty
  /// Lambda drops lines below the function's log level: the level that metrics pass as.
  std::string level = "INFO";
};

/// The metrics as one line that CloudWatch Logs makes metrics of: a log event in the embedded metric format, with the
/// properties beside them, and `timestamp` and `level` as Lambda expects of a line. At most 100 metrics, the first;
/// a value that is no finite number is left out. A property that is named as a metric, a dimension or one of ours
/// (_aws, timestamp, level) is left out.
/// Source: Amazon CloudWatch User Guide, "Specification: Embedded metric format".
std::string embedded_metrics(const EmbeddedMetricsOptions& options, Instant when,
                             const std::vector<ports::Metric>& metrics,
                             const std::vector<std::pair<std::string, std::string>>& properties);

/// Writes metrics to a descriptor, one such line for each call. Thread-safe.
class EmbeddedMetrics final : public ports::MetricSink {
 public:
  EmbeddedMetrics(EmbeddedMetricsOptions options, int descriptor)
      : options_(std::move(options)), descriptor_(descriptor) {}

  void record(const std::vector<ports::Metric>& metrics,
              const std::vector<std::pair<std::string, std::string>>& properties) override;

 private:
  const EmbeddedMetricsOptions options_;
  const int descriptor_;
};

}  // namespace s3link::system
