// Notifications come from queues and HTTP pushes. Reading one never crashes, and what was read is printed and read back
// as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/event/event_record.hpp"
#include "core/event/notification_rule.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto read = s3link::event::parse_notification({reinterpret_cast<const char*>(data), size});
  if (!read) return 0;
  for (const auto& record : read->records) {
    const auto again = s3link::event::parse_notification(s3link::event::build_notification(record));
    if (!again || again->records.size() != 1 || again->records[0] != record) std::abort();
    if (const auto rule = s3link::event::drop_rule(record); rule && rule->name.empty()) std::abort();
  }
  return 0;
}
