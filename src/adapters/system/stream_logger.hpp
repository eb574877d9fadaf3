#pragma once

#include <string_view>
#include <vector>

#include "ports/logger.hpp"

namespace s3link::system {

/// Writes one JSON line per record to a descriptor, as AWS Lambda reads them (format_lambda_json). Thread-safe.
class StreamLogger final : public ports::Logger {
 public:
  /// Records below `level` are left out.
  StreamLogger(ports::LogLevel level, int descriptor) : level_(level), descriptor_(descriptor) {}

  void log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) override;

 private:
  const ports::LogLevel level_;
  const int descriptor_;
};

}  // namespace s3link::system
