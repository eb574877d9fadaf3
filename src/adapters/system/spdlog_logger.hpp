#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "ports/logger.hpp"

namespace spdlog {
class logger;
}

namespace s3link::system {

enum class LogFormat { text, json };

/// Writes one line per record to standard error, through spdlog. Thread-safe.
class SpdlogLogger final : public ports::Logger {
 public:
  /// Records below `level` are left out. Text is coloured only where standard error is a terminal.
  SpdlogLogger(ports::LogLevel level, LogFormat format);
  ~SpdlogLogger() override;

  void log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) override;
  bool writes(ports::LogLevel level) const noexcept override { return level >= level_.load(std::memory_order_relaxed); }
  /// For the lines from here on.
  void set_level(ports::LogLevel level) noexcept;

 private:
  std::atomic<ports::LogLevel> level_;
  LogFormat format_;
  bool coloured_;
  std::unique_ptr<spdlog::logger> out_;
};

/// Whether standard error is a terminal: decides the default format.
bool stderr_is_terminal() noexcept;

}  // namespace s3link::system
