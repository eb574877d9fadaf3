#include "adapters/system/spdlog_logger.hpp"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <unistd.h>

#include <chrono>

#include "adapters/system/log_format.hpp"

namespace s3link::system {

namespace {
spdlog::level::level_enum to_spdlog(ports::LogLevel level) {
  switch (level) {
    case ports::LogLevel::debug:
      return spdlog::level::debug;
    case ports::LogLevel::info:
      return spdlog::level::info;
    case ports::LogLevel::warning:
      return spdlog::level::warn;
    case ports::LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}
}  // namespace

SpdlogLogger::SpdlogLogger(ports::LogLevel level, LogFormat format)
    : level_(level),
      format_(format),
      coloured_(stderr_is_terminal()),
      out_(std::make_unique<spdlog::logger>("s3link", std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  out_->set_pattern("%v");
  out_->set_level(spdlog::level::trace);  // what is left out is decided here
  out_->flush_on(spdlog::level::warn);
}

SpdlogLogger::~SpdlogLogger() { out_->flush(); }

void SpdlogLogger::log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) {
  if (!writes(level)) return;
  const LogRecord record{std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()), level,
                         message, fields};
  const std::string line = format_ == LogFormat::json ? format_json(record) : format_text(record, coloured_);
  out_->log(to_spdlog(level), spdlog::string_view_t(line.data(), line.size()));
}

void SpdlogLogger::set_level(ports::LogLevel level) noexcept { level_.store(level, std::memory_order_relaxed); }

bool stderr_is_terminal() noexcept { return ::isatty(STDERR_FILENO) == 1; }

}  // namespace s3link::system
