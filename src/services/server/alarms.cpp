#include "services/server/alarms.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

namespace s3link::server {
namespace {

namespace json = boost::json;
using alarm::AlarmName;

json::value instant_or_null(const std::optional<Instant>& when) {
  return when ? json::value(iso8601(*when)) : json::value(nullptr);
}

std::uint64_t seconds_since(Instant since, Instant now) {
  if (since > now) return 0;
  return static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now - since).count());
}

std::uint64_t value_of(AlarmName name, const ports::AlarmMeasure& measure, const delivery::RelayStatus& relay,
                       const delivery::ClockStatus& clock, const std::optional<Instant>& storage_fails_since,
                       Instant now) {
  switch (name) {
    case AlarmName::dead_letters:
      return measure.dead_letters;
    case AlarmName::oldest_event:
      return measure.oldest_event ? seconds_since(*measure.oldest_event, now) : 0;
    case AlarmName::clock:
      return static_cast<std::uint64_t>(off_by(clock).count());
    case AlarmName::relay_login:
      return relay.login_refused ? seconds_since(relay.since, now) : 0;
    case AlarmName::storage:
      break;
  }
  return storage_fails_since ? seconds_since(*storage_fails_since, now) : 0;
}

std::uint64_t threshold_of(AlarmName name, const AlarmsSettings& settings) {
  if (name == AlarmName::dead_letters) return settings.dead_letter_threshold;
  return name == AlarmName::oldest_event ? static_cast<std::uint64_t>(settings.max_wait.count()) : 0;
}

json::object to_json(const delivery::RelayStatus& relay) {
  return {{"state", to_string(relay.phase)},
          {"since", iso8601(relay.since)},
          {"login_refused", relay.login_refused},
          {"reason", relay.reason},
          {"next_probe", instant_or_null(relay.next_probe)},
          {"connections", relay.connections}};
}

json::object to_json(AlarmName name, const delivery::AlarmMemory& memory, std::uint64_t value,
                     std::uint64_t threshold) {
  const bool told_alarm = memory.told == delivery::AlarmState::alarm;
  return {{"alarm", to_string(name)},
          {"state", to_string(memory.state)},
          {"since", instant_or_null(memory.since)},
          {"value", value},
          {"threshold", threshold},
          {"unit", name == AlarmName::dead_letters ? "dead letters" : "seconds"},
          {"told", to_string(memory.told)},
          {"told_at", instant_or_null(told_alarm ? memory.alarm_told : memory.ok_told)}};
}

json::object to_json(const ports::SubscriberRecord& record) {
  return {{"name", record.name},
          {"told", record.told},
          {"pending", record.pending},
          {"failed_attempts", record.failed_attempts},
          {"given_up", record.given_up},
          {"last_told", instant_or_null(record.last_told)},
          {"last_failure", instant_or_null(record.last_failure)},
          {"last_reason", record.last_reason}};
}

}  // namespace

AlarmsDocument::AlarmsDocument(AlarmsSettings settings, ports::AlarmStore& store, ports::Clock& clock)
    : settings_(std::move(settings)), store_(store), clock_(clock) {}

Awaitable<Result<std::string>> AlarmsDocument::read() {
  const auto measure = co_await store_.measure(clock_.now());
  if (!measure) co_return std::unexpected(measure.error());
  const auto records = co_await store_.subscribers();
  if (!records) co_return std::unexpected(records.error());
  const delivery::RelayStatus relay = settings_.relay ? settings_.relay() : delivery::RelayStatus{};
  const delivery::ClockStatus clock = settings_.clock ? settings_.clock() : delivery::ClockStatus{};
  const auto storage_fails_since = settings_.storage_fails_since ? settings_.storage_fails_since() : std::nullopt;
  json::array alarms;
  for (const AlarmName name : alarm::kAlarms) {
    const auto memory = co_await store_.load(name);
    if (!memory) co_return std::unexpected(memory.error());
    const auto value = value_of(name, *measure, relay, clock, storage_fails_since, clock_.now());
    alarms.push_back(to_json(name, *memory, value, threshold_of(name, settings_)));
  }
  json::array subscribers;
  for (const std::string& name : settings_.subscribers) {
    const auto found = std::ranges::find(*records, name, &ports::SubscriberRecord::name);
    ports::SubscriberRecord none;
    none.name = name;
    subscribers.push_back(to_json(found == records->end() ? none : *found));
  }
  json::object document{{"alarms", std::move(alarms)}, {"subscribers", std::move(subscribers)}};
  if (settings_.relay) document["relay"] = to_json(relay);
  co_return json::serialize(document);
}

}  // namespace s3link::server
