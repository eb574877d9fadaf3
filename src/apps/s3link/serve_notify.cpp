#include "apps/s3link/serve_notify.hpp"

#include <fmt/format.h>

#include <utility>

namespace s3link::app {
namespace {

using namespace std::chrono_literals;
using ports::LogLevel;

constexpr std::chrono::microseconds kPeriodWithoutWatchdog = 10s;

}  // namespace

ServeNotify::ServeNotify(const system::ServiceNotifier& notifier, server::Liveness& liveness, ports::Logger& logger)
    : notifier_(notifier),
      liveness_(liveness),
      logger_(logger),
      period_(notifier.watchdog() ? *notifier.watchdog() / 2 : kPeriodWithoutWatchdog) {}

ServeNotify::~ServeNotify() { stopping(); }

void ServeNotify::ready(std::string status) {
  status_ = std::move(status);
  check(notifier_.ready(status_));
  thread_ = std::thread([this] { watch(); });
}

void ServeNotify::reloading() { check(notifier_.reloading()); }

void ServeNotify::reloaded() { check(notifier_.ready(status_)); }

void ServeNotify::stopping() {
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(ending_, true)) return;
  }
  ended_.notify_one();
  if (thread_.joinable()) thread_.join();
  check(notifier_.stopping("finishing requests and mails"));
}

void ServeNotify::watch() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    lock.unlock();
    look();
    lock.lock();
    ended_.wait_for(lock, period_, [this] { return ending_; });
  }
}

void ServeNotify::look() {
  const Status found = liveness_.look();
  if (found && notifier_.watchdog()) check(notifier_.alive());
  if (found.has_value() == well_) return;
  well_ = found.has_value();
  check(notifier_.status(well_ ? status_ : fmt::format("not working: {}", found.error().message)));
  if (well_) {
    logger_.log(LogLevel::info, "all parts work again", {});
  } else {
    logger_.log(LogLevel::error, "parts do not work", {{"reason", found.error().message}});
  }
}

void ServeNotify::check(const Status& told) {
  const std::scoped_lock lock(mutex_);
  if (std::exchange(untold_, !told.has_value()) || told) return;
  logger_.log(LogLevel::warning, "service manager not told", {{"reason", told.error().message}});
}

}  // namespace s3link::app
