#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace s3link::app {

/// "report.pdf  1.2 MB of 4.8 MB [######..................]  25%  600.0 kB/s, 6 s left": no rate within the first half
/// second, and no share or time left where the whole is not known (`total` 0).
std::string progress_line(std::string_view name, std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds elapsed);

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
