#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace s3link::app {

/// One line on standard error that shows how far an upload is; nothing where that is not a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(bool enabled);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar() { clear(); }

  /// Starts a new file; total 0 when it is not known.
  void begin(std::string name, std::uint64_t total_bytes);
  /// Bytes that went, or came back to be sent again.
  void add(std::int64_t bytes);
  /// Removes the line.
  void clear();

 private:
  void draw();

  bool enabled_;
  bool drawn_ = false;
  std::string name_;
  std::uint64_t total_ = 0;
  std::int64_t done_ = 0;
  std::chrono::steady_clock::time_point started_, last_draw_;
};

}  // namespace s3link::app
