#pragma once

#include <string>

#include "core/alarm/notification.hpp"

namespace s3link::alarm {

/// The JSON object a webhook gets; docs/operations.md lists its members. "text" is a sentence for a person, which is
/// all that a chat's incoming webhook shows.
std::string notification_document(const Notification& notification, const Source& source);

}  // namespace s3link::alarm
