#include "services/pipeline/clock_guard.hpp"

#include <utility>

namespace s3link::pipeline {

using delivery::ClockStatus;
using ports::LogLevel;

ClockGuard::ClockGuard(ClockGuardSettings settings, ports::ClockStore& store, ports::Clock& clock,
                       ports::Logger& logger)
    : settings_(std::move(settings)),
      store_(store),
      clock_(clock),
      logger_(logger),
      loop_("what the clock says cannot be recorded or confirmed", {}, clock, logger),
      watch_({}, settings_.read()) {}

ClockGuard::~ClockGuard() = default;

void ClockGuard::stop() { loop_.stop(); }

void ClockGuard::on_change(std::function<void()> changed) { changed_.push_back(std::move(changed)); }

Awaitable<void> ClockGuard::begin() {
  const auto before = co_await store_.load();
  if (before) {
    const std::lock_guard lock(mutex_);
    watch_ = delivery::ClockWatch(*before, settings_.read());
  } else {
    logger_.log(LogLevel::error, "the last run's clock cannot be read",
                {{"reason", std::string(to_string(before.error().kind))}, {"detail", before.error().message}});
  }
  look();
}

Awaitable<void> ClockGuard::run() {
  co_await loop_.run([this] { return tend(); });
}

Awaitable<Result<std::optional<Instant>>> ClockGuard::tend() {
  const auto confirmed = settings_.take_confirmation();
  if (confirmed && *confirmed) {
    logger_.log(LogLevel::info, "clock confirmed", {{"clock", iso8601(clock_.now())}});
    const std::lock_guard lock(mutex_);
    watch_.confirm(settings_.read());
    to_record_ = true;
  }
  look();
  std::optional<delivery::ClockRecord> record;
  {
    const std::lock_guard lock(mutex_);
    if (to_record_ || clock_.steady_now() - recorded_ >= settings_.record_period) record = watch_.record();
    to_record_ = false;
  }
  if (record) {
    if (const Status saved = co_await store_.save(std::move(*record)); !saved) {
      const std::lock_guard lock(mutex_);
      to_record_ = true;
      co_return std::unexpected(saved.error());
    }
    recorded_ = clock_.steady_now();
  }
  if (!confirmed) co_return std::unexpected(confirmed.error());
  co_return clock_.now() + settings_.period;
}

ClockStatus ClockGuard::status() { return look(); }

ClockReport ClockGuard::report() {
  ClockReport out{.status = look(), .trouble = {}};
  out.trouble = in_words(out.status);
  return out;
}

std::string ClockGuard::in_words(const ClockStatus& status) const {
  std::string out = explain(status);
  if (!out.empty()) out += "; if the clock is right: " + settings_.how_to_confirm;
  return out;
}

ClockStatus ClockGuard::look() {
  ClockStatus before;
  ClockStatus now;
  {
    const std::lock_guard lock(mutex_);
    before = status_;
    now = status_ = watch_.look(settings_.read());
    if (before.mail_waits == now.mail_waits && before.removal_waits == now.removal_waits) return now;
    to_record_ = true;
  }
  note_change(before, now);
  return now;
}

void ClockGuard::note_change(const ClockStatus& before, const ClockStatus& now) {
  if (now.mail_waits && !before.mail_waits) {
    logger_.log(LogLevel::error, "mails wait for the clock", {{"detail", in_words(now)}});
  }
  if (before.mail_waits && !now.mail_waits) {
    logger_.log(LogLevel::info, "mails no longer wait for the clock", {{"clock", iso8601(now.wall)}});
  }
  if (now.removal_waits && !before.removal_waits) {
    logger_.log(now.starting ? LogLevel::info : LogLevel::error, "removal waits for the clock",
                {{"detail", in_words(now)}});
  }
  if (before.removal_waits && !now.removal_waits) {
    logger_.log(LogLevel::info, "removal no longer waits for the clock", {{"clock", iso8601(now.wall)}});
  }
  for (const auto& changed : changed_) changed();
}

}  // namespace s3link::pipeline
