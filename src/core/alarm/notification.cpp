#include "core/alarm/notification.hpp"

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"

namespace s3link::alarm {

std::string_view to_string(AlarmName name) noexcept {
  switch (name) {
    case AlarmName::dead_letters:
      return "dead-letters";
    case AlarmName::oldest_event:
      return "oldest-event";
    case AlarmName::relay_login:
      return "relay-login";
    case AlarmName::clock:
      return "clock";
    case AlarmName::storage:
      break;
  }
  return "storage";
}

std::optional<AlarmName> parse_alarm_name(std::string_view text) noexcept {
  for (const AlarmName name : kAlarms) {
    if (to_string(name) == text) return name;
  }
  return std::nullopt;
}

std::string identity(const Notification& notification, const Source& source) {
  std::string text =
      std::to_string(notification.id) + "\n" + std::to_string(to_unix_ms(notification.made)) + "\n" + source.bucket;
  const auto origin = source.origins.of(event::sequencer_of(static_cast<std::uint64_t>(notification.id)));
  if (!origin.empty()) text.append("\n").append(origin);
  return hex_encode(sha256(text)).substr(0, 32);
}

}  // namespace s3link::alarm
