#include "core/alarm/notification_text.hpp"

#include <gtest/gtest.h>

namespace s3link::alarm {
namespace {

using delivery::AlarmMessage;

const Source kSource{
    .server = "https://files.example.org", .bucket = "file-exchange", .options = "--data-dir '/srv/my data'"};

Notification raised() {
  return {.id = 7,
          .alarm = AlarmName::dead_letters,
          .message = AlarmMessage::alarm,
          .made = from_unix_ms(1'796'738'405'000),
          .since = from_unix_ms(1'796'738'405'000),
          .alarm_since = {},
          .value = 7,
          .threshold = 5,
          .changes = 1,
          .reasons = {{"denied: 550 5.7.1 not from here", 6}, {"transient: connection refused", 1}}};
}

TEST(NotificationText, AlarmSaysWhatSinceWhenHowManyWhyAndHowToLook) {
  const MailText mail = mail_text(raised(), kSource);
  EXPECT_EQ(mail.subject, "[s3link] ALARM: 7 dead letters, more than 5");
  EXPECT_EQ(mail.text,
            "State:     ALARM since Tuesday, 8 December 2026, 14:00:05 UTC\n"
            "Alarm:     dead-letters\n"
            "Now:       7 dead letters, more than 5\n"
            "Server:    https://files.example.org, bucket file-exchange\n"
            "\n"
            "Dead letters are uploads whose mail could not be sent and is not tried again: their\n"
            "recipients know nothing of them. Files stay where they are until their time is over.\n"
            "\n"
            "The most frequent reasons:\n"
            "  6 x denied: 550 5.7.1 not from here\n"
            "  1 x transient: connection refused\n"
            "\n"
            "To look at them:\n"
            "  s3link dlq list --data-dir '/srv/my data'\n"
            "To send them again, once the reason is gone:\n"
            "  s3link dlq redrive --all --data-dir '/srv/my data'\n");
}

TEST(NotificationText, OkSaysWhatIsOver) {
  Notification over = raised();
  over.message = AlarmMessage::ok;
  over.since += std::chrono::hours(1);
  over.alarm_since = raised().since;
  over.value = 1;
  over.changes = 3;
  over.reasons = {};
  const MailText mail = mail_text(over, kSource);
  EXPECT_EQ(mail.subject, "[s3link] OK: 1 dead letter, no longer more than 5");
  EXPECT_EQ(mail.text,
            "State:     OK since Tuesday, 8 December 2026, 15:00:05 UTC\n"
            "           It was ALARM since Tuesday, 8 December 2026, 14:00:05 UTC\n"
            "Alarm:     dead-letters\n"
            "Now:       1 dead letter, no longer more than 5\n"
            "Server:    https://files.example.org, bucket file-exchange\n"
            "\n"
            "The dead letters are back under the threshold.\n"
            "Since the message before this one the state changed 3 times.\n"
            "\n"
            "To look at them:\n"
            "  s3link dlq list --data-dir '/srv/my data'\n");
}

TEST(NotificationText, ReminderIsToldApart) {
  Notification reminder = raised();
  reminder.message = AlarmMessage::reminder;
  EXPECT_EQ(mail_text(reminder, kSource).subject,
            "[s3link] Reminder: ALARM since 8 Dec 14:00 UTC: 7 dead letters, more than 5");
}

TEST(NotificationText, AgeIsInWords) {
  Notification old = raised();
  old.alarm = AlarmName::oldest_event;
  old.value = 3'900;
  old.threshold = 3'600;
  EXPECT_EQ(mail_text(old, kSource).subject,
            "[s3link] ALARM: an upload has waited 1 hour 5 minutes for its mail, longer than 1 hour");
  EXPECT_EQ(look_command(old, {}), "s3link deliveries --state pending");
  EXPECT_FALSE(mail_text(old, kSource).text.contains("redrive"));
  old.message = AlarmMessage::ok;
  EXPECT_EQ(headline(old), "no upload waits longer than 1 hour for its mail");
}

TEST(NotificationText, AClockIsOffBySoMuch) {
  Notification wrong = raised();
  wrong.alarm = AlarmName::clock;
  wrong.value = 3 * 86'400;
  wrong.reasons = {{.text = "the clock says 2000", .count = 1}};
  const MailText mail = mail_text(wrong, kSource);
  EXPECT_EQ(mail.subject, "[s3link] ALARM: the clock may be wrong by 3 days");
  EXPECT_TRUE(mail.text.contains("Alarm:     clock\n")) << mail.text;
  EXPECT_TRUE(mail.text.contains("  1 x the clock says 2000\n")) << mail.text;
  EXPECT_EQ(look_command(wrong, {}), "s3link doctor");
  wrong.message = AlarmMessage::ok;
  EXPECT_EQ(headline(wrong), "the clock is taken as right again");
}

TEST(NotificationText, StorageSaysWhyAndWhatIsSafe) {
  Notification failing = raised();
  failing.alarm = AlarmName::storage;
  failing.reasons = {{"no space left in the data folder", 1}};
  const MailText mail = mail_text(failing, kSource);
  EXPECT_EQ(mail.subject, "[s3link] ALARM: uploads cannot be stored");
  EXPECT_TRUE(mail.text.contains("\n  1 x no space left in the data folder\n")) << mail.text;
  EXPECT_TRUE(mail.text.contains("What is stored stays")) << mail.text;
  EXPECT_TRUE(mail.text.contains("\n  s3link doctor --data-dir '/srv/my data'\n")) << mail.text;
  EXPECT_FALSE(mail.text.contains("redrive"));
  failing.message = AlarmMessage::ok;
  EXPECT_EQ(mail_text(failing, kSource).subject, "[s3link] OK: uploads can be stored again");
}

}  // namespace
}  // namespace s3link::alarm
