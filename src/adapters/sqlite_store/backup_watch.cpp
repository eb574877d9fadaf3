#include "adapters/sqlite_store/backup_watch.hpp"

#include <signal.h>

#include <algorithm>
#include <utility>

namespace s3link::sqlite_store {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;

std::string in_seconds(BackupWatch::Clock::duration time) {
  return std::to_string(duration_cast<seconds>(time).count()) + " s";
}

std::vector<ports::LogField> about(pid_t process, std::vector<ports::LogField> fields) {
  if (process > 0) fields.push_back({"process", std::to_string(process)});
  return fields;
}

}  // namespace

BackupWatch::BackupWatch(BackupLock lock, BackupBounds bounds, const Health& health, StoreMeter& meter,
                         ports::Logger* logger, std::function<void(pid_t)> kill)
    : bounds_(bounds),
      health_(health),
      meter_(meter),
      logger_(logger),
      kill_(kill ? std::move(kill) : [](pid_t process) { ::kill(process, SIGKILL); }),
      lock_(std::move(lock)) {}

Result<BackupLock::Hold> BackupWatch::try_exclude() {
  const std::lock_guard lock(mutex_);
  return lock_.try_exclude();
}

BackupStatus BackupWatch::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void BackupWatch::look(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  look_at_broken(now);
  if (const auto free = lock_.try_exclude(); free) {
    forget_holder();
  } else if (free.error().kind == ErrorKind::conflict) {
    look_at_holder(now);
  }
  meter_.backup_running.store(status_.running ? 1 : 0, std::memory_order_relaxed);
  meter_.backup_quiet_seconds.store(static_cast<std::uint64_t>(status_.quiet.count()), std::memory_order_relaxed);
}

void BackupWatch::forget_holder() {
  // One may also have run between two looks.
  if (!status_.running && lock_.progress() == progress_) return;
  progress_ = lock_.progress();
  if (status_.stalled) log(ports::LogLevel::info, "backup ended that had stalled", {});
  status_ = {.broken_off = {}, .broken_offs = status_.broken_offs};
}

void BackupWatch::look_at_holder(Clock::time_point now) {
  const std::uint64_t progress = lock_.progress();
  if (!status_.running) {
    status_.running = true;
    began_ = now;
    got_further_ = now;
  } else if (progress != progress_) {
    got_further_ = now;
  }
  progress_ = progress;
  status_.quiet = duration_cast<seconds>(now - got_further_);
  const bool stalled = status_.quiet >= bounds_.max_pause / 2;
  const pid_t process = lock_.holder();
  if (stalled && !status_.stalled)
    log(ports::LogLevel::warning, "backup stalled", about(process, {{"no_progress_for", in_seconds(status_.quiet)}}));
  if (!stalled && status_.stalled) log(ports::LogLevel::info, "backup goes on", about(process, {}));
  status_.stalled = stalled;
  if (const std::string why = reason_to_break_off(now); !why.empty()) break_off(now, why);
}

std::string BackupWatch::reason_to_break_off(Clock::time_point now) const {
  if (now - got_further_ >= bounds_.max_pause) return "it made no progress for " + in_seconds(now - got_further_);
  if (now - began_ >= bounds_.max_time) return "it ran for " + in_seconds(now - began_);
  const bool hangs = now - got_further_ >= kHangs || health_.log_pressure() > LogPressure::presses;
  if (health_.log_presses() && hangs && lock_.reads())
    return "it reads the database, whose log cannot be written back meanwhile and has become too large";
  return {};
}

void BackupWatch::break_off(Clock::time_point now, const std::string& why) {
  const pid_t process = lock_.holder();
  auto old = lock_.replace(why);
  if (!old) return;  // a full disk: tried again with the next look
  broken_.push_back({.lock = std::move(*old), .since = now});
  progress_ = lock_.progress();
  meter_.backups_broken_off.fetch_add(1, std::memory_order_relaxed);
  status_ = {.broken_off = why, .broken_offs = status_.broken_offs + 1};
  log(ports::LogLevel::error, "backup broken off", about(process, {{"detail", why}}));
}

void BackupWatch::look_at_broken(Clock::time_point now) {
  std::erase_if(broken_, [&](Broken& one) {
    if (one.lock.is_free()) {
      log(ports::LogLevel::info, "backup ended that was broken off", {});
      return true;
    }
    const pid_t reader = one.lock.reader();
    if (one.killed || reader <= 0 || now - one.since < kGrace || !health_.log_presses()) return false;
    one.killed = true;
    log(ports::LogLevel::error, "backup killed",
        about(reader, {{"detail", "it was broken off, went on reading the database, and the log could not be cut"}}));
    kill_(reader);
    return false;
  });
}

void BackupWatch::log(ports::LogLevel level, std::string_view message, std::vector<ports::LogField> fields) const {
  if (logger_ != nullptr) logger_->log(level, message, std::move(fields));
}

}  // namespace s3link::sqlite_store
