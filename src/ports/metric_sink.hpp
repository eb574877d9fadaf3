#pragma once

#include <string>
#include <utility>
#include <vector>

namespace s3link::ports {

/// One number of a finished piece of work.
struct Metric {
  std::string name;  ///< "Delivered"
  std::string unit;  ///< CloudWatch's word: "Count", "Milliseconds", "Bytes"
  double value = 0;
};

/// Where a short-lived function reports its numbers. Thread safety: any number of calls at a time; never throws.
class MetricSink {
 public:
  virtual ~MetricSink() = default;

  /// Numbers of one piece of work; `properties` are named values beside them (request id), not dimensions.
  virtual void record(const std::vector<Metric>& metrics,
                      const std::vector<std::pair<std::string, std::string>>& properties) = 0;
};

}  // namespace s3link::ports
