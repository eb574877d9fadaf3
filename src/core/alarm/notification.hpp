#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/alarm/frequent_reasons.hpp"
#include "core/base/instant.hpp"
#include "core/delivery/alarm_rule.hpp"
#include "core/event/origins.hpp"

namespace s3link::alarm {

/// What is watched.
enum class AlarmName {
  dead_letters,  ///< how many uploads were given up; in the published design DeadLetterQueueDepthAlarm
  oldest_event,  ///< how long the oldest upload that is neither mailed nor given up has waited
  relay_login,   ///< the relay refuses our login: no mail leaves until somebody mends it
  clock,         ///< the machine's clock may be wrong: mails wait, or what is to be removed does
  storage,       ///< uploads cannot be stored
};
inline constexpr AlarmName kAlarms[] = {AlarmName::dead_letters, AlarmName::oldest_event, AlarmName::relay_login,
                                        AlarmName::clock, AlarmName::storage};
/// "dead-letters", "oldest-event", "relay-login", "clock", "storage".
std::string_view to_string(AlarmName name) noexcept;
std::optional<AlarmName> parse_alarm_name(std::string_view text) noexcept;

/// What the subscribers of the alarm topic are told: it does not change from one attempt to the next.
struct Notification {
  /// No other of this data folder has it; larger than earlier ones. Of one that could not be stored: negative, and no
  /// other since the start has it.
  std::int64_t id = 0;
  AlarmName alarm = AlarmName::dead_letters;
  delivery::AlarmMessage message = delivery::AlarmMessage::alarm;
  Instant made;
  Instant since;                        ///< of the state told
  std::optional<Instant> alarm_since;   ///< of an OK: when the ALARM it ends began
  std::uint64_t value = 0;              ///< dead letters; or the age in seconds; or for how many seconds it is so;
                                        ///< or by how many the clock is off
  std::uint64_t threshold = 0;          ///< in the same unit; ALARM is above it
  std::uint64_t changes = 0;            ///< of state since the message before; 1 where nothing happened between
  std::vector<FrequentReason> reasons;  ///< most frequent first; none of an OK
  /// Of dead letters: when the first of their files goes. Until then it can be sent again.
  std::optional<Instant> removal = {};
  bool operator==(const Notification&) const = default;
};

/// Who speaks, and how an operator looks at it.
struct Source {
  std::string server;  ///< public URL
  std::string bucket;
  std::string
      options;  ///< what `s3link` commands need to reach this server, as a shell takes it: "--data-dir /srv/s3link"
  event::Origins origins = {};  ///< of the notifications' ids, which are commit numbers
};

/// The same for every attempt and subscriber, and for no other notification: 32 hexadecimal digits. Nothing that
/// another configuration may change between two attempts, such as the server's address, is part of it.
std::string identity(const Notification& notification, const Source& source);

}  // namespace s3link::alarm
