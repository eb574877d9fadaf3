#pragma once

#include <string_view>

#include "core/alarm/notification.hpp"
#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// Somebody who is told of alarms: an administrator's mailbox, a webhook.
/// Thread safety: one call at a time, on one executor. Must outlive its awaitables.
class AlarmSubscriber {
 public:
  virtual ~AlarmSubscriber() = default;

  /// "email", "webhook": constant, and no other subscriber's.
  virtual std::string_view name() const noexcept = 0;
  /// Returns once it has the notification. Telling it twice is allowed: both times it is recognisable as the same.
  /// Errors: denied (telling it again is useless); any other kind: may be tried later. The message holds no secret.
  /// Cancelling the coroutine ends it soon.
  virtual Awaitable<Status> tell(alarm::Notification notification) = 0;
};

}  // namespace s3link::ports
