#pragma once

#include <string>

#include "core/alarm/notification.hpp"

namespace s3link::alarm {

/// "7 dead letters, more than 5": what is so, in one line.
std::string headline(const Notification& notification);

/// The command that shows what the alarm is about, as a shell takes it.
std::string look_command(const Notification& notification, const Source& source);

struct MailText {
  std::string subject;
  std::string text;  ///< UTF-8, LF line ends
  std::string html;  ///< the same as a page
};
/// What, since when, how many, the most frequent reasons, and the commands to look and to send again.
MailText mail_text(const Notification& notification, const Source& source);

}  // namespace s3link::alarm
