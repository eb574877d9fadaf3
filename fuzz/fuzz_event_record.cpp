// Notifications come from queues and HTTP pushes. Reading one never crashes, and what was read is printed and read back
// as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/event/event_record.hpp"
#include "core/event/notification_rule.hpp"

namespace {

using s3link::event::EventRecord;

void check_record(const EventRecord& record) {
  const auto again = s3link::event::parse_notification(s3link::event::build_notification(record));
  if (!again || again->records.size() != 1 || again->records[0] != record) std::abort();
  if (const auto rule = s3link::event::drop_rule(record); rule && rule->name.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parts = s3link::event::parse_notification_parts(text)) {
    bool all_read = true;
    for (const auto& record : parts->records) {
      if (record) check_record(*record);
      all_read = all_read && record.has_value();
    }
    if (s3link::event::parse_notification(text).has_value() != all_read) std::abort();
  }
  // The Lambda function reads what is no notification a second time.
  (void)s3link::event::is_schedule_event(text);
  return 0;
}
