#include "adapters/sqlite_store/backup_pulse.hpp"

#include <string>
#include <utility>

namespace s3link::sqlite_store {
namespace {

using namespace std::chrono_literals;

constexpr auto kTick = 250ms;
/// The server looks once a second.
constexpr auto kBetweenTouches = 250ms;

Error broken_off(const std::string& why) {
  return {ErrorKind::conflict, "this backup was broken off: " + why + "; what it copied does not count: run it again",
          ""};
}

}  // namespace

BackupPulse::BackupPulse(const BackupLock& lock, std::chrono::seconds max_pause,
                         std::function<void(const Error&)> stuck)
    : lock_(lock), max_pause_(max_pause), stuck_(std::move(stuck)), last_touch_(std::chrono::steady_clock::now()) {
  if (stuck_) thread_ = std::thread([this] { watch(); });
}

BackupPulse::~BackupPulse() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  ended_.notify_one();
  if (thread_.joinable()) thread_.join();
}

Status BackupPulse::beat() {
  beats_.fetch_add(1, std::memory_order_relaxed);
  const auto now = std::chrono::steady_clock::now();
  if (now - last_touch_ < kBetweenTouches) return {};
  last_touch_ = now;
  lock_.touch();
  return check();
}

Error BackupPulse::no_progress() const {
  return broken_off("it made no progress for " + std::to_string(max_pause_.count()) +
                    " s; does the disk that it writes to still answer?");
}

Status BackupPulse::check() const {
  if (was_stuck_) return std::unexpected(no_progress());
  if (const Status held = lock_.check(); !held) return std::unexpected(broken_off(held.error().message));
  return {};
}

/// Counts its own ticks, not the time: a process that was stopped has not been stuck.
void BackupPulse::watch() {
  unsigned last_beat = beats_.load(std::memory_order_relaxed);
  std::chrono::milliseconds pause{0};
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, kTick, [this] { return over_; })) {
    const unsigned beat = beats_.load(std::memory_order_relaxed);
    pause = beat == last_beat ? pause + kTick : 0ms;
    last_beat = beat;
    if (const Status held = check(); !held) return stuck_(held.error());
    if (pause < max_pause_) continue;
    was_stuck_ = true;
    return stuck_(no_progress());
  }
}

}  // namespace s3link::sqlite_store
