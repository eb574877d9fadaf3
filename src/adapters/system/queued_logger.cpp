#include "adapters/system/queued_logger.hpp"

#include <unistd.h>

#include <chrono>

#include "adapters/system/log_format.hpp"

namespace s3link::system {

namespace {
std::string formatted(ports::LogLevel level, std::string_view message, const std::vector<ports::LogField>& fields,
                      LogFormat format, bool coloured) {
  const LogRecord record{std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()), level,
                         message, fields};
  return format == LogFormat::json ? format_json(record) : format_text(record, coloured);
}
}  // namespace

QueuedLogger::QueuedLogger(ports::LogLevel level, LogFormat format)
    : level_(level),
      format_(format),
      coloured_(stderr_is_terminal()),
      writer_(descriptor_sink(STDERR_FILENO),
              [format, coloured = coloured_](std::uint64_t dropped) {
                return formatted(ports::LogLevel::warning, "log lines dropped", {{"count", std::to_string(dropped)}},
                                 format, coloured);
              },
              {}) {}

void QueuedLogger::log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) {
  if (writes(level)) writer_.write(formatted(level, message, fields, format_, coloured_));
}

void QueuedLogger::set_level(ports::LogLevel level) noexcept { level_.store(level, std::memory_order_relaxed); }

bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace s3link::system
