#include "adapters/sqlite_store/checkpointer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>

namespace s3link::sqlite_store {
namespace {

/// A passive checkpoint under constant commits never catches up, so the log would grow for ever: at so many times the
/// size the writer is held for the moment it takes to write the last pages back.
constexpr int kTimesToHoldWriter = 4;  // 32 MiB
constexpr auto kQuiet = std::chrono::seconds(1);
/// What cutting the log may wait for readers, while commits wait for it. A backup reads for seconds.
constexpr int kPatienceMs = 20;

}  // namespace

void Checkpointer::start() {
  sqlite3_busy_timeout(connection_->handle(), kPatienceMs);
  thread_ = std::thread([this] { work(); });
}

void Checkpointer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Checkpointer::log_grown(int pages) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = log_pages_ == 0 || (pages >= pages_to_write_back_ && log_pages_ < pages_to_write_back_);
    log_pages_ = pages;
    commit_came_ = true;
  }
  if (wake) changed_.notify_one();
}

void Checkpointer::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || log_pages_ > 0; });
    if (stopping_) return;
    commit_came_ = false;
    changed_.wait_for(lock, kQuiet, [this] { return stopping_ || log_pages_ >= pages_to_write_back_; });
    if (stopping_) return;
    const bool large = log_pages_ >= pages_to_write_back_;
    if (!large && commit_came_) continue;
    const bool very_large = log_pages_ >= kTimesToHoldWriter * pages_to_write_back_;
    log_pages_ = large ? 1 : 0;  // written back, but not yet cut: that is left for when it is quiet
    lock.unlock();
    checkpoint(SQLITE_CHECKPOINT_PASSIVE);
    bool cut = true;
    if (!large) {
      cut = checkpoint(SQLITE_CHECKPOINT_TRUNCATE);
    } else if (very_large) {
      cut = checkpoint(SQLITE_CHECKPOINT_RESTART);
    }
    lock.lock();
    if (cut) continue;
    log_pages_ = std::max(log_pages_, 1);  // once more, when the reader may be done
    changed_.wait_for(lock, kQuiet, [this] { return stopping_; });
  }
}

/// False: somebody reads what the log holds.
bool Checkpointer::checkpoint(int mode) {
  if (health_.refusing()) return true;  // a second try would succeed, and drop from the log what the first one has lost
  const int code = sqlite3_wal_checkpoint_v2(connection_->handle(), "main", mode, nullptr, nullptr);
  if (is_busy(code)) return false;
  if (is_disk_full(code)) {
    health_.note_disk_full();  // the log stays as it is; tried again after the next commit
  } else if (code != SQLITE_OK) {
    health_.refuse_writes(std::string("writing the log back failed: ") + sqlite3_errmsg(connection_->handle()));
  }
  return true;
}

}  // namespace s3link::sqlite_store
