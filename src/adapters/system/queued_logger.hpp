#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/system/line_writer.hpp"
#include "ports/logger.hpp"

namespace s3link::system {

enum class LogFormat { text, json };

/// Writes one line per record to standard error, from a thread of its own (LineWriter): a reader that stopped, went
/// away or is slow holds nothing up. The warning "log lines dropped" says how many lines that cost. SIGPIPE must be
/// ignored. Thread-safe.
class QueuedLogger final : public ports::Logger {
 public:
  /// Records below `level` are left out. Text is coloured only where standard error is a terminal.
  QueuedLogger(ports::LogLevel level, LogFormat format);

  void log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) override;
  bool writes(ports::LogLevel level) const noexcept override { return level >= level_.load(std::memory_order_relaxed); }
  /// For the lines from here on.
  void set_level(ports::LogLevel level) noexcept;
  /// The line as it is, behind those logged before it.
  void print(std::string line) noexcept { writer_.write(std::move(line)); }
  /// Lines dropped since the start.
  std::uint64_t dropped() const noexcept { return writer_.dropped(); }

 private:
  std::atomic<ports::LogLevel> level_;
  const LogFormat format_;
  const bool coloured_;
  LineWriter writer_;
};

/// Whether standard error is a terminal: decides the default format.
bool stderr_is_terminal() noexcept;

}  // namespace s3link::system
