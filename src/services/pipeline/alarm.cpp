#include "services/pipeline/alarm.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using alarm::AlarmName;
using delivery::AlarmMessage;
using ports::LogLevel;

constexpr std::size_t kReasonsTold = 3;

/// How long after a change of the dead-letter queue it is looked at.
std::chrono::milliseconds settling(std::chrono::milliseconds period) {
  return std::min<std::chrono::milliseconds>(period / 4, 500ms);
}

std::uint64_t age_seconds(const std::optional<Instant>& since, Instant now) {
  if (!since || *since > now) return 0;
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now - *since).count());
}

}  // namespace

Alarm::Alarm(AlarmSettings settings, ports::AlarmStore& store, AlarmTopic& topic, ports::Clock& clock,
             ports::Logger& logger)
    : settings_(std::move(settings)),
      store_(store),
      topic_(topic),
      clock_(clock),
      logger_(logger),
      loop_("alarm cannot be evaluated or stored", {}, clock, logger) {
  store_.on_dead_letters_changed(loop_.waker());
}

Alarm::~Alarm() { store_.on_dead_letters_changed({}); }

void Alarm::stop() { loop_.stop(); }

std::function<void()> Alarm::waker() { return loop_.waker(); }

Awaitable<void> Alarm::run() {
  co_await loop_.run([this] { return look(); });
}

Awaitable<Result<std::optional<Instant>>> Alarm::look() {
  const Instant settled = std::min(due_, clock_.now() + settling(settings_.period));
  if (settled > clock_.now()) co_await clock_.sleep_until(settled);
  if (loop_.stopping()) co_return std::nullopt;
  if (!others_forgotten_) {
    auto unheard = co_await store_.keep_subscribers(topic_.names());
    if (!unheard) co_return std::unexpected(unheard.error());
    unheard_ = std::move(*unheard);
    others_forgotten_ = true;
  }
  const Instant now = clock_.now();
  unstored_.reset();
  // First what stands in no store: it may be what keeps the rest from being read.
  std::vector<Reading> all = storage_readings(now);
  const auto measure = co_await store_.measure(now);
  std::optional<Error> failure;
  if (measure) {
    logger_.log(LogLevel::debug, "alarm evaluated",
                {{"dead_letters", std::to_string(measure->dead_letters)},
                 {"oldest_event_seconds", std::to_string(age_seconds(measure->oldest_event, now))}});
    std::ranges::move(readings(*measure, now), std::back_inserter(all));
  } else {
    failure = measure.error();
  }
  Instant next = now + settings_.period;
  for (Reading& reading : all) {
    const auto due = co_await evaluate(std::move(reading));
    if (due) {
      next = std::min(next, *due);
    } else {
      failure = due.error();
    }
  }
  if (failure) co_return std::unexpected(*failure);
  unheard_.clear();
  if (unstored_) co_return std::unexpected(*unstored_);
  due_ = next;
  co_return next;
}

Alarm::Reading Alarm::reading_of(const ClockReport& clock) {
  const auto off = static_cast<std::uint64_t>(off_by(clock.status).count());
  Reading out{.alarm = AlarmName::clock, .value = off, .threshold = 0, .over = off > 0};
  if (out.over) out.reasons.push_back({.text = clock.trouble, .count = 1});
  return out;
}

std::vector<Alarm::Reading> Alarm::storage_readings(Instant now) const {
  std::vector<Reading> out;
  if (!settings_.storage) return out;
  const auto trouble = settings_.storage();
  out.push_back({.alarm = AlarmName::storage,
                 .value = trouble ? age_seconds(trouble->since, now) : 0,
                 .threshold = 0,
                 .over = trouble.has_value(),
                 .reasons = {}});
  if (trouble) out.back().reasons.push_back({.text = trouble->reason, .count = 1});
  return out;
}

std::vector<Alarm::Reading> Alarm::readings(const ports::AlarmMeasure& measure, Instant now) const {
  const auto age = age_seconds(measure.oldest_event, now);
  const auto longest = static_cast<std::uint64_t>(settings_.max_wait.count());
  std::vector<Reading> out;
  if (settings_.clock) out.push_back(reading_of(settings_.clock()));
  out.push_back({.alarm = AlarmName::dead_letters,
                 .value = measure.dead_letters,
                 .threshold = settings_.dead_letter_threshold,
                 .over = measure.dead_letters > settings_.dead_letter_threshold,
                 .reasons = {},
                 .removal = measure.first_removal});
  out.push_back({.alarm = AlarmName::oldest_event, .value = age, .threshold = longest, .over = age > longest});
  if (!settings_.relay) return out;
  const delivery::RelayStatus relay = settings_.relay();
  if (relay.phase != delivery::RelayPhase::open) {
    const std::string state = "the relay is " + std::string(to_string(relay.phase)) + ": ";
    out.back().reasons.push_back({.text = state + relay.reason, .count = 1});
  }
  // Before the first mail nobody knows: what was told before a restart still holds.
  if (!relay.known) return out;
  out.push_back({.alarm = AlarmName::relay_login,
                 .value = relay.login_refused ? age_seconds(relay.since, now) : 0,
                 .threshold = 0,
                 .over = relay.login_refused,
                 .reasons = {}});
  if (relay.login_refused) out.back().reasons.push_back({.text = relay.reason, .count = 1});
  return out;
}

Awaitable<Result<Alarm::Remembered>> Alarm::remember(AlarmName alarm) {
  if (const auto known = remembered_.find(alarm); known != remembered_.end()) co_return known->second;
  const auto loaded = co_await store_.load(alarm);
  if (!loaded) co_return std::unexpected(loaded.error());
  co_return Remembered{.memory = *loaded};
}

Status Alarm::store_answers() const {
  if (!settings_.storage) return {};
  const auto trouble = settings_.storage();
  if (!trouble || !trouble->unanswered) return {};
  return fail(ErrorKind::transient, trouble->reason);
}

Awaitable<Status> Alarm::save(AlarmName alarm, delivery::AlarmMemory memory) {
  if (Status answers = store_answers(); !answers) co_return answers;
  co_return co_await store_.save(alarm, memory);
}

Awaitable<Result<Instant>> Alarm::evaluate(Reading reading) {
  const auto before = co_await remember(reading.alarm);
  if (!before) co_return std::unexpected(before.error());
  const Instant now = clock_.now();
  auto step = delivery::evaluate(settings_.policy, before->memory, reading.over, now);
  const Instant next = step.next.value_or(Instant::max());
  const delivery::AlarmMemory memory = step.memory;
  Status saved;
  if (step.message) {
    saved = co_await tell(reading, std::move(step), now, topic_.names());
  } else if (reading.over && memory.told == delivery::AlarmState::alarm && !unheard_.empty() &&
             !remembered_.contains(reading.alarm)) {
    step.message = AlarmMessage::reminder;
    saved = co_await tell(reading, std::move(step), now, unheard_);
  } else if (memory != before->memory || !before->stored) {
    saved = co_await save(reading.alarm, memory);
  }
  remembered_.insert_or_assign(reading.alarm, Remembered{.memory = memory, .stored = saved.has_value()});
  if (!saved) unstored_ = saved.error();
  if (memory.state != before->memory.state) log_change(reading);
  co_return next;
}

Awaitable<Status> Alarm::tell(Reading reading, delivery::AlarmStep step, Instant now,
                              std::vector<std::string> subscribers) {
  const bool ok = *step.message == AlarmMessage::ok;
  alarm::Notification notification{.id = 0,
                                   .alarm = reading.alarm,
                                   .message = *step.message,
                                   .made = now,
                                   .since = step.memory.since.value_or(now),
                                   .alarm_since = ok ? step.memory.told_since : std::nullopt,
                                   .value = reading.value,
                                   .threshold = reading.threshold,
                                   .changes = step.changes,
                                   .reasons = {}};
  if (!ok) {
    notification.reasons = std::move(reading.reasons);
    if (auto reasons = co_await store_.frequent_reasons(reading.alarm, kReasonsTold); reasons) {
      std::ranges::move(*reasons, std::back_inserter(notification.reasons));
    }
    notification.removal = reading.removal;
  }
  if (*step.message == AlarmMessage::reminder) {
    logger_.log(LogLevel::error, "alarm still raised",
                {{"alarm", std::string(to_string(reading.alarm))}, {"since", iso8601(notification.since)}});
  }
  Status saved = store_answers();
  if (saved) saved = co_await store_.save_and_notify(reading.alarm, step.memory, notification, subscribers);
  if (saved) {
    topic_.wake();
  } else {
    notification.id = --last_unstored_id_;
    topic_.tell_unstored(notification, subscribers);
  }
  co_return saved;
}

void Alarm::log_change(const Reading& reading) {
  logger_.log(reading.over ? LogLevel::error : LogLevel::info, reading.over ? "alarm raised" : "alarm over",
              {{"alarm", std::string(to_string(reading.alarm))},
               {"value", std::to_string(reading.value)},
               {"threshold", std::to_string(reading.threshold)}});
}

}  // namespace s3link::pipeline
