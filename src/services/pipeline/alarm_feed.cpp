#include "services/pipeline/alarm_feed.hpp"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using ports::LogLevel;

/// What the subscriber throws, which is a bug, must not wait for the deadline.
Awaitable<Status> tell(ports::AlarmSubscriber& subscriber, alarm::Notification notification) {
  try {
    co_return co_await subscriber.tell(std::move(notification));
  } catch (const std::exception& e) {
    co_return fail(ErrorKind::internal, std::string("unexpected: ") + e.what());
  }
}

}  // namespace

AlarmFeed::AlarmFeed(AlarmFeedSettings settings, ports::AlarmSubscriber& subscriber, ports::AlarmStore& store,
                     ports::Clock& clock, ports::Random& random, ports::Logger& logger)
    : settings_(settings),
      subscriber_(subscriber),
      store_(store),
      clock_(clock),
      random_(random),
      logger_(logger),
      loop_("alarm notifications cannot be read or recorded", {{"subscriber", std::string(subscriber.name())}}, clock,
            logger) {}

AlarmFeed::~AlarmFeed() = default;

void AlarmFeed::stop() { loop_.stop(); }

void AlarmFeed::wake() { loop_.wake(); }

Awaitable<void> AlarmFeed::run() {
  co_await loop_.run([this] { return tell_due(); });
}

void AlarmFeed::tell_unstored(alarm::Notification notification) {
  if (unstored_.size() >= ports::AlarmStore::kMostPending) return;
  unstored_.push_back({.notification = std::move(notification), .attempts = 0, .due = clock_.now()});
  loop_.wake();
}

Awaitable<Result<std::optional<Instant>>> AlarmFeed::tell_due() {
  const auto next_unstored = co_await tell_due_unstored();
  auto next = co_await tell_due_stored();
  if (next && next_unstored) next = std::min(next->value_or(Instant::max()), *next_unstored);
  co_return next;
}

std::optional<Instant> AlarmFeed::wait_of(const ports::PendingNotification& pending) const {
  // No backoff is longer than max_retry: what is due later than that, a clock says that was set back since.
  const Instant now = clock_.now();
  if (pending.due > now && pending.due <= now + settings_.retry.max_retry) return pending.due;
  return std::nullopt;
}

Awaitable<std::optional<Instant>> AlarmFeed::tell_due_unstored() {
  while (!unstored_.empty() && !loop_.stopping()) {
    ports::PendingNotification& pending = unstored_.front();  // stays: others are only added behind it
    if (const auto due = wait_of(pending)) co_return due;
    Status outcome = co_await attempt(pending.notification);
    if (!outcome && loop_.stopping()) break;
    const Outcome settled = settle(pending, std::move(outcome));
    if (settled.kind == Outcome::Kind::try_again) {
      ++pending.attempts;
      pending.due = settled.due;
    } else {
      unstored_.pop_front();
    }
  }
  co_return std::nullopt;
}

Awaitable<Result<std::optional<Instant>>> AlarmFeed::tell_due_stored() {
  while (!loop_.stopping()) {
    auto pending = co_await store_.next_for(std::string(name()));
    if (!pending) co_return std::unexpected(pending.error());
    if (!*pending) break;
    const std::int64_t id = (*pending)->notification.id;
    if (!unrecorded_ || unrecorded_->first != id) {
      if (const auto due = wait_of(**pending)) co_return due;
      Status outcome = co_await attempt((*pending)->notification);
      if (!outcome && loop_.stopping()) break;
      unrecorded_.emplace(id, settle(**pending, std::move(outcome)));
    }
    const Status recorded = co_await record(id, unrecorded_->second);
    if (!recorded && recorded.error().kind != ErrorKind::not_found) co_return std::unexpected(recorded.error());
    unrecorded_.reset();
  }
  co_return std::nullopt;
}

Awaitable<Status> AlarmFeed::attempt(alarm::Notification notification) {
  using namespace asio::experimental::awaitable_operators;  // NOLINT(google-build-using-namespace)
  auto ended = co_await (tell(subscriber_, std::move(notification)) || wait_for_end());
  if (auto* const outcome = std::get_if<Status>(&ended)) co_return std::move(*outcome);
  co_return fail(ErrorKind::transient, "no answer in time");
}

Awaitable<void> AlarmFeed::wait_for_end() {
  co_await asio::this_coro::throw_if_cancelled(false);
  // By the clock that is never set: an attempt must not outlast its deadline whatever happens to the other.
  auto deadline = clock_.steady_now() + settings_.deadline;
  bool in_grace = false;
  while (clock_.steady_now() < deadline) {
    co_await loop_.wait_until(deadline);
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) co_return;
    if (loop_.stopping() && !std::exchange(in_grace, true)) {
      deadline = std::min(deadline, clock_.steady_now() + settings_.stop_grace);
    }
  }
}

AlarmFeed::Outcome AlarmFeed::settle(const ports::PendingNotification& pending, Status outcome) {
  const alarm::Notification& notification = pending.notification;
  const Instant now = clock_.now();
  std::vector<ports::LogField> about = {{"subscriber", std::string(name())},
                                        {"alarm", std::string(to_string(notification.alarm))},
                                        {"message", std::string(to_string(notification.message))},
                                        {"notification", std::to_string(notification.id)},
                                        {"attempt", std::to_string(pending.attempts + 1)}};
  if (outcome) {
    logger_.log(LogLevel::info, "alarm told", std::move(about));
    return {.kind = Outcome::Kind::told, .when = now};
  }
  const Instant due = now + delivery::backoff(settings_.retry, pending.attempts + 1, random_.next_u64());
  const bool give_up = outcome.error().kind == ErrorKind::denied || due >= notification.made + settings_.give_up_after;
  about.push_back({"reason", std::string(to_string(outcome.error().kind))});
  about.push_back({"detail", outcome.error().message});
  if (!give_up) about.push_back({"next_attempt", iso8601(due)});
  logger_.log(give_up ? LogLevel::error : LogLevel::warning, give_up ? "alarm not told" : "alarm not told yet",
              std::move(about));
  return {.kind = give_up ? Outcome::Kind::give_up : Outcome::Kind::try_again,
          .when = now,
          .due = due,
          .reason = std::move(outcome.error().message)};
}

Awaitable<Status> AlarmFeed::record(std::int64_t id, Outcome outcome) {
  std::string subscriber(name());
  switch (outcome.kind) {
    case Outcome::Kind::told:
      co_return co_await store_.mark_told(std::move(subscriber), id, outcome.when);
    case Outcome::Kind::give_up:
      co_return co_await store_.give_up(std::move(subscriber), id, outcome.when, std::move(outcome.reason));
    case Outcome::Kind::try_again:
      break;
  }
  co_return co_await store_.reschedule(std::move(subscriber), id, outcome.when, outcome.due, std::move(outcome.reason));
}

}  // namespace s3link::pipeline
