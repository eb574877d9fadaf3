#include "apps/s3link/progress_bar.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "apps/s3link/wording.hpp"

namespace s3link::app {

std::string progress_line(std::string_view name, std::uint64_t done, std::uint64_t total,
                          std::chrono::milliseconds elapsed) {
  std::string line = fmt::format("{}  {}", printable(name, 40), size_in_words(done));
  const std::uint64_t counted_done = std::min(done, total);  // a repeated part counts twice until it is known
  if (total > 0) {
    constexpr std::uint64_t kWidth = 24;
    const std::uint64_t filled = counted_done * kWidth / total;
    line += fmt::format(" of {} [{}{}] {:3}%", size_in_words(total), std::string(filled, '#'),
                        std::string(kWidth - filled, '.'), counted_done * 100 / total);
  }
  if (elapsed <= std::chrono::milliseconds(500)) return line;
  const double rate = static_cast<double>(done) * 1000 / static_cast<double>(elapsed.count());  // bytes a second
  if (rate < 1) return line;
  line += fmt::format("  {}/s", size_in_words(static_cast<std::uint64_t>(rate)));
  if (total > counted_done) {
    const double left = static_cast<double>(total - counted_done) / rate;
    line +=
        fmt::format(", {} left", duration_in_words(std::chrono::milliseconds(static_cast<std::int64_t>(left * 1000))));
  }
  return line;
}

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
  const std::string line = progress_line(name_, static_cast<std::uint64_t>(std::max<std::int64_t>(done_, 0)), total_,
                                         std::chrono::duration_cast<std::chrono::milliseconds>(last_draw_ - started_));
  std::fputs(("\r\x1b[K" + line).c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace s3link::app
