#include "apps/s3link/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/s3link/wording.hpp"

namespace s3link::app {

ProgressBar::ProgressBar(bool enabled) : enabled_(enabled && ::isatty(STDERR_FILENO) == 1) {}

void ProgressBar::begin(std::string name, std::uint64_t total_bytes) {
  clear();
  name_ = std::move(name);
  total_ = total_bytes;
  done_ = 0;
  started_ = std::chrono::steady_clock::now();
  last_draw_ = {};
}

void ProgressBar::add(std::int64_t bytes) {
  done_ += bytes;
  if (!enabled_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_draw_ < std::chrono::milliseconds(100)) return;
  last_draw_ = now;
  draw();
}

void ProgressBar::draw() {
  const double seconds = std::chrono::duration<double>(last_draw_ - started_).count();
  const auto done = static_cast<std::uint64_t>(std::max<std::int64_t>(done_, 0));
  const auto rate = static_cast<std::uint64_t>(seconds > 0.5 ? static_cast<double>(done) / seconds : 0);
  std::string line = fmt::format("{}  {}", printable(name_, 40), size_in_words(done));
  if (total_ > 0) {
    constexpr std::uint64_t kWidth = 24;
    const std::uint64_t filled = std::min(done, total_) * kWidth / total_;
    line += fmt::format(" of {} [{}{}] {:3}%", size_in_words(total_), std::string(filled, '#'),
                        std::string(kWidth - filled, '.'), std::min(done, total_) * 100 / total_);
  }
  if (rate > 0) line += fmt::format("  {}/s", size_in_words(rate));
  fmt::print(stderr, "\r\x1b[K{}", line);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace s3link::app
