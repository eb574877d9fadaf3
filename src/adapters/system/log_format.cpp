#include "adapters/system/log_format.hpp"

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/base/json_text.hpp"
#include "core/mail/visible_text.hpp"

namespace s3link::system {

namespace {

constexpr std::array<std::pair<ports::LogLevel, std::string_view>, 4> kLevels = {{
    {ports::LogLevel::debug, "debug"},
    {ports::LogLevel::info, "info"},
    {ports::LogLevel::warning, "warning"},
    {ports::LogLevel::error, "error"},
}};

std::string_view colour_of(ports::LogLevel level) {
  switch (level) {
    case ports::LogLevel::debug:
      return "\x1b[2m";
    case ports::LogLevel::info:
      return "\x1b[32m";
    case ports::LogLevel::warning:
      return "\x1b[33m";
    case ports::LogLevel::error:
      return "\x1b[31m";
  }
  return "";
}

// Copies `text` with quotes, backslashes and control characters escaped, and \xNN for bytes that are not UTF-8 or whose
// character shows nothing or turns the reading direction.
void append_escaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", byte);
      text.remove_prefix(1);
      continue;
    }
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += static_cast<char>(byte);
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (length > 1 && mail::is_invisible(text.substr(0, length))) {
      // Terminals obey U+0080 to U+009F; others turn the reading direction, or cannot be seen.
      for (const char part : text.substr(0, length)) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(part));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
}

bool needs_quotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char character : value) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte <= 0x20 || byte >= 0x7F || byte == '"' || byte == '\\' || byte == '=') return true;
  }
  return false;
}

std::string format_object(const LogRecord& record, std::string_view time_name, std::string_view level) {
  std::string line = "{\"";
  line += time_name;
  line += "\":\"";
  line += iso8601(record.when);
  line += "\",\"level\":\"";
  line += level;
  line += "\",\"message\":";
  append_json_string(line, record.message);
  for (const auto& [name, value] : record.fields) {
    line += ',';
    const bool taken = name == time_name || name == "level" || name == "message";
    append_json_string(line, taken ? name + '_' : name);
    line += ':';
    append_json_string(line, value);
  }
  line += '}';
  return line;
}

}  // namespace

std::string_view to_string(ports::LogLevel level) noexcept {
  for (const auto& [value, name] : kLevels) {
    if (value == level) return name;
  }
  return "unknown";
}

std::optional<ports::LogLevel> parse_log_level(std::string_view text) noexcept {
  for (const auto& [value, name] : kLevels) {
    if (name == text) return value;
  }
  return std::nullopt;
}

std::string format_text(const LogRecord& record, bool coloured) {
  std::string line = iso8601(record.when);
  line += ' ';
  if (coloured) line += colour_of(record.level);
  line += fmt::format("{:<7}", to_string(record.level));
  if (coloured) line += "\x1b[0m";
  line += ' ';
  append_escaped(line, record.message);
  for (const auto& [name, value] : record.fields) {
    line += "  ";
    append_escaped(line, name);
    line += '=';
    if (needs_quotes(value)) {
      line += '"';
      append_escaped(line, value);
      line += '"';
    } else {
      line += value;
    }
  }
  return line;
}

std::string format_json(const LogRecord& record) { return format_object(record, "time", to_string(record.level)); }

std::string format_lambda_json(const LogRecord& record) {
  return format_object(record, "timestamp", to_lambda_level(record.level));
}

std::string_view to_lambda_level(ports::LogLevel level) noexcept {
  switch (level) {
    case ports::LogLevel::debug:
      return "DEBUG";
    case ports::LogLevel::info:
      return "INFO";
    case ports::LogLevel::warning:
      return "WARN";
    case ports::LogLevel::error:
      break;
  }
  return "ERROR";
}

ports::LogLevel parse_lambda_level(std::string_view text) noexcept {
  const auto is = [text](std::string_view name) { return equals_ignoring_case(text, name); };
  if (is("TRACE") || is("DEBUG")) return ports::LogLevel::debug;
  if (is("WARN")) return ports::LogLevel::warning;
  if (is("ERROR") || is("FATAL")) return ports::LogLevel::error;
  return ports::LogLevel::info;
}

}  // namespace s3link::system
