#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.hpp"
#include "ports/logger.hpp"

namespace s3link::system {

/// One thing that happened, as it is written to the log.
struct LogRecord {
  Instant when;
  ports::LogLevel level = ports::LogLevel::info;
  std::string_view message;
  const std::vector<ports::LogField>& fields;
};

/// "debug", "info", "warning", "error".
std::string_view to_string(ports::LogLevel level) noexcept;
std::optional<ports::LogLevel> parse_log_level(std::string_view text) noexcept;

/// `2026-11-22T09:00:00.000Z info    message  name=value other="two words"`: one line without its end. Control
/// characters are escaped, and so are those that show nothing or turn the reading direction: a client's input cannot
/// forge a line, drive a terminal, or look like another name.
std::string format_text(const LogRecord& record, bool coloured);

/// `{"time":"…","level":"info","message":"…","name":"value"}`: one line without its end, always valid JSON in UTF-8;
/// bytes that are not UTF-8 become U+FFFD. A field named as one of ours gets an underscore behind its name.
std::string format_json(const LogRecord& record);

/// `{"timestamp":"…","level":"WARN","message":"…","name":"value"}`: as format_json, with the names that AWS Lambda
/// filters a function's lines by and takes their time from. Source: AWS Lambda Developer Guide, "Log-level filtering".
std::string format_lambda_json(const LogRecord& record);

/// Lambda's word: "DEBUG", "INFO", "WARN", "ERROR".
std::string_view to_lambda_level(ports::LogLevel level) noexcept;
/// Of AWS_LAMBDA_LOG_LEVEL, in any case: TRACE is debug, FATAL is error, what is unknown or empty is info.
ports::LogLevel parse_lambda_level(std::string_view text) noexcept;

}  // namespace s3link::system
