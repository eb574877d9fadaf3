#include "adapters/sqlite_store/checkpointer.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace s3link::sqlite_store {
namespace {

using std::chrono::milliseconds;

constexpr auto kQuiet = std::chrono::seconds(1);
/// What cutting the log may wait for readers, while commits wait for it: for a log of usual size, and for one that is
/// at its limit.
constexpr milliseconds kPatience{20};
constexpr milliseconds kMostPatience{1000};
/// Of a page, with its frame in the log.
constexpr std::uint64_t kFrameBytes = 4096 + 24;

std::string in_mebibytes(int pages) {
  return std::to_string((static_cast<std::uint64_t>(pages) * kFrameBytes) >> 20) + " MiB";
}

}  // namespace

void Checkpointer::start() {
  thread_ = std::thread([this] { work(); });
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  released_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::log_grown(int pages) {
  std::unique_lock lock(mutex_);
  const bool wake = log_pages_ == 0 || (pages >= pages_to_write_back_ && log_pages_ < pages_to_write_back_);
  log_pages_ = pages;
  commit_came_ = true;
  meter_.log_bytes.store(static_cast<std::uint64_t>(pages) * kFrameBytes, std::memory_order_relaxed);
  writer_waits_ = pages >= times(kTimesToHoldWriter);
  if (wake || writer_waits_) changed_.notify_one();
  // A checkpoint beside constant commits never catches up, and never gets the lock that it takes to begin the log anew.
  released_.wait(lock, [this] { return stopping_ || !writer_waits_; });
}

void Checkpointer::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || log_pages_ > 0; });
    if (stopping_) return;
    commit_came_ = false;
    changed_.wait_for(lock, kQuiet, [this] { return stopping_ || log_pages_ >= pages_to_write_back_; });
    if (stopping_) return;
    const int pages = log_pages_;
    const bool large = pages >= pages_to_write_back_;
    if (!large && commit_came_) continue;
    log_pages_ = large ? 1 : 0;  // written back, but perhaps not cut: that is left for when it is quiet
    lock.unlock();
    const bool cut = write_back(pages);
    note(pages, cut);
    lock.lock();
    writer_waits_ = false;
    released_.notify_one();
    if (cut) continue;
    // Once more, when the reader may be done.
    log_pages_ = std::max(log_pages_, pages);
    changed_.wait_for(lock, kQuiet, [this] { return stopping_ || writer_waits_; });
  }
}

/// False: it should be cut, and is not.
bool Checkpointer::write_back(int pages) {
  checkpoint(SQLITE_CHECKPOINT_PASSIVE, kPatience);
  if (pages < pages_to_write_back_) return checkpoint(SQLITE_CHECKPOINT_TRUNCATE, kPatience);
  if (pages < times(kTimesToHoldWriter)) return true;
  // Begun anew in the same blocks, which costs the next commits less; a file that has become too large is made small.
  const int mode = pages < times(2 * kTimesToHoldWriter) ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_TRUNCATE;
  return checkpoint(mode, patience(pages));
}

milliseconds Checkpointer::patience(int pages) const {
  const int from = times(kTimesToPress);
  const int to = times(kTimesToRefuseUploads);
  return kPatience + (kMostPatience - kPatience) * (std::clamp(pages, from, to) - from) / (to - from);
}

void Checkpointer::note(int pages, bool cut) {
  auto pressure = LogPressure::none;
  if (!cut && pages >= times(kTimesToPress)) pressure = LogPressure::presses;
  if (!cut && pages >= times(kTimesToRefuseUploads)) pressure = LogPressure::refuses_uploads;
  if (!cut && pages >= times(kTimesToRefuseAll)) pressure = LogPressure::refuses_all;
  const auto before = health_.log_pressure();
  health_.note_log(pressure);
  meter_.log_held.store(pressure == LogPressure::none ? 0 : 1, std::memory_order_relaxed);
  if (cut && (pages < pages_to_write_back_ || pages >= times(kTimesToHoldWriter)))
    meter_.log_bytes.store(0, std::memory_order_relaxed);
  if (logger_ == nullptr || pressure == before) return;
  using enum ports::LogLevel;
  const std::vector<ports::LogField> size{{"log", in_mebibytes(pages)}};
  if (pressure == LogPressure::none) logger_->log(info, "database's log cut again", size);
  if (pressure == LogPressure::presses && before < pressure)
    logger_->log(warning, "database's log cannot be cut: somebody reads the database", size);
  if (pressure >= LogPressure::refuses_uploads && before < LogPressure::refuses_uploads)
    logger_->log(error, "uploads refused: the database's log is at its limit", size);
}

/// False: somebody reads what the log holds, or the disk is full.
bool Checkpointer::checkpoint(int mode, milliseconds patience) {
  if (health_.refusing()) return true;  // a second try would succeed, and drop from the log what the first one has lost
  sqlite3_busy_timeout(connection_->handle(), static_cast<int>(patience.count()));
  const int code = sqlite3_wal_checkpoint_v2(connection_->handle(), "main", mode, nullptr, nullptr);
  if (code == SQLITE_OK) return true;
  if (is_busy(code)) return false;
  if (is_disk_full(code)) {
    health_.note_disk_full();  // the log stays as it is
    return false;
  }
  health_.refuse_writes(std::string("writing the log back failed: ") + sqlite3_errmsg(connection_->handle()));
  return true;
}

}  // namespace s3link::sqlite_store
