#include "core/alarm/notification_text.hpp"

#include <fmt/format.h>

#include <string_view>

#include "core/alarm/mail_form.hpp"
#include "core/mail/wording.hpp"

namespace s3link::alarm {
namespace {

using delivery::AlarmMessage;

std::string dead_letters(std::uint64_t count) { return fmt::format("{} dead letter{}", count, count == 1 ? "" : "s"); }

std::string duration(std::uint64_t seconds) { return mail::duration_in_words(std::chrono::seconds(seconds)); }

std::string command(std::string_view what, const Source& source) {
  return fmt::format("s3link {}{}{}", what, source.options.empty() ? "" : " ", source.options);
}

std::string subject(const Notification& notification) {
  switch (notification.message) {
    case AlarmMessage::alarm:
      return fmt::format("[s3link] ALARM: {}", headline(notification));
    case AlarmMessage::reminder:
      return fmt::format("[s3link] Reminder: ALARM since {}: {}", mail::instant_in_short(notification.since),
                         headline(notification));
    case AlarmMessage::ok:
      break;
  }
  return fmt::format("[s3link] OK: {}", headline(notification));
}

std::string meaning(const Notification& notification) {
  const bool ok = notification.message == AlarmMessage::ok;
  if (notification.alarm == AlarmName::dead_letters) {
    return ok ? "The dead letters are back under the threshold.\n"
              : "Dead letters are uploads whose mail could not be sent and is not tried again: their\n"
                "recipients know nothing of them. Files stay where they are until their time is over.\n";
  }
  if (notification.alarm == AlarmName::relay_login) {
    return ok ? "The relay takes our login again; what waited is being mailed.\n"
              : "No mail leaves until the user in email.transport and the password in\n"
                "email.password_file are right. Mails wait meanwhile; nothing is lost. After a change:\n"
                "systemctl reload s3link (SIGHUP).\n";
  }
  if (notification.alarm == AlarmName::clock) {
    return ok ? "Mails leave, and what is due is removed.\n"
              : "While the clock is before what is in the database no mail leaves, since its link would\n"
                "be dead. After a jump ahead nothing is removed that is due by the jump alone. Set the\n"
                "clock right, or say that it is; both end this at once, and nothing is lost.\n";
  }
  if (notification.alarm == AlarmName::storage) {
    return ok ? "Uploads are taken again.\n"
              : "Uploads are refused until this is mended. What is stored stays, and mails that wait are\n"
                "sent later. Where the reason says that s3link is to be restarted: systemctl restart s3link,\n"
                "once the disk is well. See \"Storage fails\" in docs/operations.md.\n";
  }
  return ok ? "Nothing waits longer than the threshold any more.\n"
            : "Mails are being tried, but the oldest has not left for longer than the threshold.\n";
}

}  // namespace

std::string headline(const Notification& notification) {
  const bool ok = notification.message == AlarmMessage::ok;
  if (notification.alarm == AlarmName::dead_letters) {
    return fmt::format("{}, {} than {}", dead_letters(notification.value), ok ? "no longer more" : "more",
                       notification.threshold);
  }
  if (notification.alarm == AlarmName::relay_login) {
    return ok ? "the relay takes our login again" : "the relay refuses our login";
  }
  if (notification.alarm == AlarmName::clock) {
    if (ok) return "the clock is taken as right again";
    return fmt::format("the clock may be wrong by {}", duration(notification.value));
  }
  if (notification.alarm == AlarmName::storage) {
    return ok ? "uploads can be stored again" : "uploads cannot be stored";
  }
  if (ok) return fmt::format("no upload waits longer than {} for its mail", duration(notification.threshold));
  return fmt::format("an upload has waited {} for its mail, longer than {}", duration(notification.value),
                     duration(notification.threshold));
}

std::string look_command(const Notification& notification, const Source& source) {
  switch (notification.alarm) {
    case AlarmName::dead_letters:
      return command("dlq list", source);
    case AlarmName::oldest_event:
      return command("deliveries --state pending", source);
    case AlarmName::relay_login:
    case AlarmName::clock:
    case AlarmName::storage:
      break;
  }
  return command("doctor", source);
}

MailText mail_text(const Notification& notification, const Source& source) {
  const bool ok = notification.message == AlarmMessage::ok;
  MailForm form;
  form.title = subject(notification);
  form.facts.emplace_back("State",
                          fmt::format("{} since {}", ok ? "OK" : "ALARM", mail::instant_in_words(notification.since)));
  if (ok && notification.alarm_since) {
    form.facts.emplace_back("", "It was ALARM since " + mail::instant_in_words(*notification.alarm_since));
  }
  form.facts.emplace_back("Alarm", to_string(notification.alarm));
  form.facts.emplace_back("Now", headline(notification));
  form.facts.emplace_back("Server", fmt::format("{}, bucket {}", source.server, source.bucket));

  form.paragraphs.push_back(meaning(notification));
  if (!ok && notification.removal) {
    form.paragraphs.push_back(
        fmt::format("The first of these files is removed on {}: until then it can be sent again.\n",
                    mail::instant_in_words(*notification.removal)));
  }
  if (notification.changes > 1) {
    form.paragraphs.push_back(
        fmt::format("Since the message before this one the state changed {} times.\n", notification.changes));
  }
  for (const FrequentReason& reason : notification.reasons) {
    form.reasons.push_back(fmt::format("{} x {}", reason.count, reason.text));
  }
  form.commands.push_back({"To look at them", look_command(notification, source)});
  if (!ok && notification.alarm == AlarmName::dead_letters) {
    form.commands.push_back({"To send them again, once the reason is gone", command("dlq redrive --all", source)});
  }
  return {.subject = form.title, .text = as_text(form), .html = as_html(form)};
}

}  // namespace s3link::alarm
