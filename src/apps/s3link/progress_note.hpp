#pragma once

#include <chrono>
#include <string_view>

namespace s3link::app {

/// One line on standard error that is drawn anew, at most ten times a second; nothing where that is not a terminal.
class ProgressNote {
 public:
  ProgressNote();
  ProgressNote(const ProgressNote&) = delete;
  ProgressNote& operator=(const ProgressNote&) = delete;
  ~ProgressNote() { clear(); }

  /// Whether show() would draw: so that nobody words what nobody sees.
  bool due() const;
  void show(std::string_view text);
  /// Removes the line.
  void clear();

 private:
  const bool enabled_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_draw_;
};

}  // namespace s3link::app
