#include "core/alarm/notification_document.hpp"

#include "core/alarm/notification_text.hpp"
#include "core/base/json_text.hpp"

namespace s3link::alarm {
namespace {

using delivery::AlarmMessage;

void append_reasons(const std::vector<FrequentReason>& reasons, std::string& out) {
  out += '[';
  for (const FrequentReason& reason : reasons) {
    if (out.back() != '[') out += ',';
    JsonObject object(out);
    object.text("reason", reason.text);
    object.literal("count", std::to_string(reason.count));
  }
  out += ']';
}

}  // namespace

std::string notification_document(const Notification& notification, const Source& source) {
  std::string out;
  {
    JsonObject object(out);
    const bool ok = notification.message == AlarmMessage::ok;
    object.text("text", mail_text(notification, source).subject);
    object.text("id", identity(notification, source));
    object.text("alarm", to_string(notification.alarm));
    object.text("state", ok ? "OK" : "ALARM");
    object.text("message", to_string(notification.message));
    object.text("at", iso8601(notification.made));
    object.text("since", iso8601(notification.since));
    if (ok && notification.alarm_since) object.text("alarm_since", iso8601(*notification.alarm_since));
    object.literal("value", std::to_string(notification.value));
    object.literal("threshold", std::to_string(notification.threshold));
    object.text("unit", notification.alarm == AlarmName::dead_letters ? "dead letters" : "seconds");
    object.literal("changes", std::to_string(notification.changes));
    if (!ok && notification.removal) object.text("redrivable_until", iso8601(*notification.removal));
    append_reasons(notification.reasons, object.member("reasons"));
    object.text("server", source.server);
    object.text("bucket", source.bucket);
    object.text("look", look_command(notification, source));
  }
  return out;
}

}  // namespace s3link::alarm
