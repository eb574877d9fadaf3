#include "adapters/system/stream_logger.hpp"

#include <chrono>

#include "adapters/system/log_format.hpp"
#include "adapters/system/write_line.hpp"

namespace s3link::system {

void StreamLogger::log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) {
  if (level < level_) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  write_line(descriptor_, format_lambda_json({now, level, message, fields}));
}

}  // namespace s3link::system
