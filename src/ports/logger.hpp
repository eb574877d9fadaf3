#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace s3link::ports {

enum class LogLevel { debug, info, warning, error };

/// One named value of a log line, e.g. {"bucket", "file-exchange"}. Never a secret, never a presigned URL.
struct LogField {
  std::string name;  ///< snake_case
  std::string value;
};

/// Where the services report what they did. Thread safety: any number of calls at a time; a call returns soon and never
/// throws.
class Logger {
 public:
  virtual ~Logger() = default;

  /// `message` is a constant phrase ("delivery sent"), what varies stands in the fields.
  virtual void log(LogLevel level, std::string_view message, std::vector<LogField> fields) = 0;
  /// Whether a line of that level would be written: for those who would make many that are not.
  virtual bool writes(LogLevel /*level*/) const noexcept { return true; }
};

}  // namespace s3link::ports
