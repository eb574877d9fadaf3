#include "services/pipeline/recurring_look.hpp"

#include <boost/asio/this_coro.hpp>
#include <exception>
#include <utility>

#include "core/delivery/retry_policy.hpp"
#include "services/pipeline/wake_signal.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr delivery::RetryPolicy kLookAgain{.max_attempts = 0, .first_retry = 1s, .max_retry = 60s};

}  // namespace

RecurringLook::RecurringLook(std::string failed, std::vector<ports::LogField> about, ports::Clock& clock,
                             ports::Logger& logger)
    : failed_(std::move(failed)),
      about_(std::move(about)),
      clock_(clock),
      logger_(logger),
      wake_(std::make_shared<WakeSignal>()) {}

RecurringLook::~RecurringLook() = default;

void RecurringLook::stop() {
  stopping_ = true;
  wake_->notify();
}

void RecurringLook::wake() { wake_->notify(); }

std::function<void()> RecurringLook::waker() const {
  return [wake = wake_] { wake->notify(); };
}

Awaitable<void> RecurringLook::wait_until(std::chrono::steady_clock::time_point when) {
  co_await wake_->wait_until(clock_, when);
}

Awaitable<void> RecurringLook::run(Look look) {
  wake_->open(co_await asio::this_coro::executor);
  unsigned failures = 0;
  while (!stopping_) {
    Result<std::optional<Instant>> next = fail(ErrorKind::internal, "");
    try {
      next = co_await look();
    } catch (const std::exception& e) {
      next = fail(ErrorKind::internal, e.what());
    }
    if (next) {
      failures = 0;
    } else {
      ++failures;
      auto fields = about_;
      fields.push_back({"reason", std::string(to_string(next.error().kind))});
      fields.push_back({"detail", next.error().message});
      logger_.log(ports::LogLevel::error, failed_, std::move(fields));
      next = clock_.now() + delivery::backoff(kLookAgain, failures, 0);
    }
    if (!stopping_) co_await wake_->wait_until(clock_, *next);
  }
  wake_->close();
}

}  // namespace s3link::pipeline
