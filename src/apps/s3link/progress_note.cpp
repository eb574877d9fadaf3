#include "apps/s3link/progress_note.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace s3link::app {

ProgressNote::ProgressNote() : enabled_(::isatty(STDERR_FILENO) == 1) {}

bool ProgressNote::due() const {
  return enabled_ && std::chrono::steady_clock::now() - last_draw_ >= std::chrono::milliseconds(100);
}

void ProgressNote::show(std::string_view text) {
  if (!due()) return;
  last_draw_ = std::chrono::steady_clock::now();
  std::fputs(fmt::format("\r\x1b[K{}", text).c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressNote::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace s3link::app
