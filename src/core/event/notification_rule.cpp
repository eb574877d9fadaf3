#include "core/event/notification_rule.hpp"

namespace s3link::event {

std::optional<DropRule> drop_rule(const EventRecord& record) {
  if (!record.event_name.starts_with("ObjectCreated:")) {
    return DropRule{"not_created", "the event says nothing of a new object: " + record.event_name};
  }
  if (record.key.ends_with('/') && record.size_bytes == 0) {
    return DropRule{"folder_marker", "an empty object whose key ends in '/' stands for a folder"};
  }
  return std::nullopt;
}

}  // namespace s3link::event
