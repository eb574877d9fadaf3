#include "services/pipeline/alarm_mail.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_mail_sender.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using test_support::run_sync;
using testing::HasSubstr;

class AlarmMailTest : public testing::Test {
 protected:
  Status tell(std::int64_t id = 7) {
    alarm::Notification notification;
    notification.id = id;
    notification.value = 6;
    notification.threshold = 5;
    notification.made = from_unix_ms(1'796'738'405'000);
    notification.since = notification.made;
    return run_sync(mail_.tell(notification));
  }
  std::string text(std::size_t index) { return std::string(sender_.sent.at(index).rfc5322.reveal()); }

  test_support::FakeMailSender sender_;
  AlarmMail mail_{
      {.sender = *mail::Address::parse("s3link@example.org"),
       .sender_name = "Files",
       .recipient = *mail::Address::parse("admin@example.net"),
       .source = {.server = "http://127.0.0.1:9000", .bucket = "file-exchange", .options = "--data-dir /d"}},
      sender_};
};

TEST_F(AlarmMailTest, IsOneMailInTextAndHtmlToTheAdministrator) {
  ASSERT_TRUE(tell());
  ASSERT_EQ(sender_.sent.size(), 1U);
  EXPECT_EQ(sender_.sent[0].envelope_from, "s3link@example.org");
  EXPECT_EQ(sender_.sent[0].envelope_to, "admin@example.net");
  EXPECT_THAT(text(0), HasSubstr("Date: Tue, 08 Dec 2026 14:00:05 +0000\r\nFrom: Files <s3link@example.org>\r\n"
                                 "To: admin@example.net\r\n"));
  EXPECT_THAT(text(0), HasSubstr("\r\nSubject: [s3link] ALARM: 6 dead letters, more than 5\r\n"));
  EXPECT_THAT(text(0), HasSubstr("\r\nAuto-Submitted: auto-generated\r\n"));
  EXPECT_THAT(text(0), HasSubstr("\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative;"));
  EXPECT_THAT(text(0), HasSubstr("\r\nContent-Type: text/plain; charset=utf-8\r\n"));
  EXPECT_THAT(text(0), HasSubstr("\r\nContent-Type: text/html; charset=utf-8\r\n"));
  EXPECT_THAT(text(0), HasSubstr("\r\n  s3link dlq list --data-dir /d\r\n"));
}

TEST_F(AlarmMailTest, RepeatIsRecognisable) {
  ASSERT_TRUE(tell());
  ASSERT_TRUE(tell());
  ASSERT_TRUE(tell(8));
  EXPECT_EQ(text(0), text(1));
  EXPECT_EQ(sender_.tried[0], sender_.tried[1]);
  EXPECT_NE(sender_.tried[0], sender_.tried[2]);
  EXPECT_THAT(text(0), HasSubstr("\r\nMessage-ID: " + sender_.tried[0] + "\r\n"));
}

TEST_F(AlarmMailTest, RefusalMayPass) {
  sender_.failures_of["admin@example.net"] = {{{ErrorKind::denied, "550 not from here", "550"}},
                                              {{ErrorKind::transient, "451 later", "451"}}};
  const Status refused = tell();
  EXPECT_EQ(refused.error().kind, ErrorKind::transient);
  EXPECT_EQ(refused.error().message, "550 not from here");
  EXPECT_EQ(tell().error().kind, ErrorKind::transient);
}

}  // namespace
}  // namespace s3link::pipeline
