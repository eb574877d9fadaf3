#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "ports/logger.hpp"

namespace s3link::test_support {

/// Keeps what was logged, as "message name=value name=value". Thread-safe; read `lines` while nothing runs.
class FakeLogger final : public ports::Logger {
 public:
  void log(ports::LogLevel, std::string_view message, std::vector<ports::LogField> fields) override {
    std::string line(message);
    for (const auto& field : fields) line += " " + field.name + "=" + field.value;
    const std::scoped_lock lock(mutex_);
    lines.push_back(std::move(line));
  }

  std::vector<std::string> lines;

 private:
  std::mutex mutex_;
};

}  // namespace s3link::test_support
