#include "core/delivery/alarm_rule.hpp"

#include <algorithm>

namespace s3link::delivery {
namespace {

void not_after(std::optional<Instant>& when, Instant now) {
  if (when) when = std::min(*when, now);
}

/// When that message may be told.
Instant due(const std::optional<Instant>& last, std::chrono::milliseconds wait, Instant now) {
  return last ? *last + wait : now;
}

void tell(AlarmStep& step, AlarmMessage message, Instant now) {
  AlarmMemory& memory = step.memory;
  step.message = message;
  step.changes = memory.changes;
  memory.changes = 0;
  memory.told = memory.state;
  if (message == AlarmMessage::ok) {
    memory.ok_told = now;
  } else {
    memory.alarm_told = now;
    memory.told_since = memory.since;
  }
}

}  // namespace

std::string_view to_string(AlarmState state) noexcept { return state == AlarmState::alarm ? "ALARM" : "OK"; }

std::optional<AlarmState> parse_alarm_state(std::string_view text) noexcept {
  for (const AlarmState state : {AlarmState::ok, AlarmState::alarm}) {
    if (to_string(state) == text) return state;
  }
  return std::nullopt;
}

std::string_view to_string(AlarmMessage message) noexcept {
  switch (message) {
    case AlarmMessage::alarm:
      return "alarm";
    case AlarmMessage::reminder:
      return "reminder";
    case AlarmMessage::ok:
      break;
  }
  return "ok";
}

std::optional<AlarmMessage> parse_alarm_message(std::string_view text) noexcept {
  for (const AlarmMessage message : {AlarmMessage::alarm, AlarmMessage::reminder, AlarmMessage::ok}) {
    if (to_string(message) == text) return message;
  }
  return std::nullopt;
}

AlarmStep evaluate(const AlarmPolicy& policy, const AlarmMemory& before, bool over, Instant now) {
  AlarmStep step{.memory = before, .message = {}, .next = {}};
  AlarmMemory& memory = step.memory;
  not_after(memory.since, now);
  not_after(memory.told_since, now);
  not_after(memory.alarm_told, now);
  not_after(memory.ok_told, now);

  const AlarmState state = over ? AlarmState::alarm : AlarmState::ok;
  if (state != memory.state) {
    memory.state = state;
    memory.since = now;
    ++memory.changes;
  } else if (!memory.since) {
    memory.since = now;
  }

  if (state != memory.told) {
    const Instant when = due(over ? memory.alarm_told : memory.ok_told, policy.min_interval, now);
    if (when <= now) {
      tell(step, over ? AlarmMessage::alarm : AlarmMessage::ok, now);
    } else {
      step.next = when;
    }
  } else if (over && due(memory.alarm_told, policy.reminder, now) <= now) {
    tell(step, AlarmMessage::reminder, now);
  }
  if (!step.next && memory.told == AlarmState::alarm && over) step.next = due(memory.alarm_told, policy.reminder, now);
  return step;
}

}  // namespace s3link::delivery
