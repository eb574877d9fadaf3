#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/instant.hpp"

namespace s3link::delivery {

enum class AlarmState { ok, alarm };
/// "OK", "ALARM".
std::string_view to_string(AlarmState state) noexcept;
std::optional<AlarmState> parse_alarm_state(std::string_view text) noexcept;

/// What subscribers are told.
enum class AlarmMessage {
  alarm,     ///< the threshold was crossed
  reminder,  ///< it still is
  ok,        ///< it is no longer
};
/// "alarm", "reminder", "ok".
std::string_view to_string(AlarmMessage message) noexcept;
std::optional<AlarmMessage> parse_alarm_message(std::string_view text) noexcept;

struct AlarmPolicy {
  /// Between two messages that tell of the same state. So ALARM and the OK that follows come at once, and however often
  /// the state changes, no more than two messages come in this time.
  std::chrono::milliseconds min_interval{std::chrono::minutes(15)};
  std::chrono::milliseconds reminder{std::chrono::hours(24)};  ///< while in ALARM, after the last message
};

/// What one alarm remembers from one evaluation to the next, over restarts too.
struct AlarmMemory {
  AlarmState state = AlarmState::ok;
  std::optional<Instant> since;       ///< of `state`; empty: never evaluated
  AlarmState told = AlarmState::ok;   ///< what the last message said
  std::optional<Instant> told_since;  ///< since when, as the last ALARM message said
  std::optional<Instant> alarm_told;  ///< when the last ALARM or reminder was made
  std::optional<Instant> ok_told;     ///< when the last OK was made
  std::uint64_t changes = 0;          ///< of `state`, since the last message
  bool operator==(const AlarmMemory&) const = default;
};

struct AlarmStep {
  AlarmMemory memory;                   ///< as it is after the evaluation, and after `message`
  std::optional<AlarmMessage> message;  ///< to be told now; empty: nothing
  std::uint64_t changes = 0;            ///< of state, since the message before this one
  std::optional<Instant> next;          ///< when something is to be told if nothing changes until then
};

/// One evaluation. `over`: whether the threshold is exceeded at `now`. A change that is back before its message could
/// be told is not told; the next message counts it. A clock that was set back shortens no wait to less than nothing and
/// lengthens none: what lies in the future is taken for now.
AlarmStep evaluate(const AlarmPolicy& policy, const AlarmMemory& before, bool over, Instant now);

}  // namespace s3link::delivery
