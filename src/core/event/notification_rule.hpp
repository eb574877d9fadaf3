#pragma once

#include <optional>
#include <string>

#include "core/event/event_record.hpp"

namespace s3link::event {

/// Why an event is not mailed: the rule's name, and a sentence for a person.
struct DropRule {
  std::string name;
  std::string text;
  bool operator==(const DropRule&) const = default;
};

/// Rules, the first that fits: "not_created" (another event than ObjectCreated:*), "folder_marker" (a key that ends in
/// '/' and holds no bytes: how S3 consoles make folders). Empty: the event is to be mailed.
std::optional<DropRule> drop_rule(const EventRecord& record);

}  // namespace s3link::event
