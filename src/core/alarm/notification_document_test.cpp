#include "core/alarm/notification_document.hpp"

#include <gtest/gtest.h>

#include "core/event/event_record.hpp"

namespace s3link::alarm {
namespace {

using delivery::AlarmMessage;

const Source kSource{.server = "https://files.example.org", .bucket = "file-exchange", .options = "--data-dir /srv/a"};

TEST(NotificationDocument, HoldsEverything) {
  const Notification raised{.id = 7,
                            .alarm = AlarmName::dead_letters,
                            .message = AlarmMessage::alarm,
                            .made = from_unix_ms(1'796'738'406'000),
                            .since = from_unix_ms(1'796'738'405'000),
                            .alarm_since = {},
                            .value = 7,
                            .threshold = 5,
                            .changes = 1,
                            .reasons = {{"denied: \"no\"", 6}, {"transient: later", 1}}};
  EXPECT_EQ(
      notification_document(raised, kSource),
      R"({"text":"[s3link] ALARM: 7 dead letters, more than 5","id":")" + identity(raised, kSource) +
          R"(","alarm":"dead-letters","state":"ALARM","message":"alarm","at":"2026-12-08T14:00:06.000Z",)"
          R"("since":"2026-12-08T14:00:05.000Z","value":7,"threshold":5,"unit":"dead letters","changes":1,)"
          R"("reasons":[{"reason":"denied: \"no\"","count":6},{"reason":"transient: later","count":1}],)"
          R"("server":"https://files.example.org","bucket":"file-exchange","look":"s3link dlq list --data-dir /srv/a"})");
  Notification over = raised;
  over.message = AlarmMessage::ok;
  over.alarm_since = raised.since;
  over.reasons = {};
  const std::string document = notification_document(over, kSource);
  EXPECT_TRUE(document.contains(R"("state":"OK","message":"ok")")) << document;
  EXPECT_TRUE(document.contains(R"("alarm_since":"2026-12-08T14:00:05.000Z")")) << document;
  EXPECT_TRUE(document.contains(R"("reasons":[])")) << document;
}

TEST(NotificationDocument, IdentityTellsNotificationsApart) {
  Notification one;
  one.id = 1;
  const std::string id = identity(one, kSource);
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(identity(one, kSource), id);
  Notification two = one;
  two.id = 2;
  EXPECT_NE(identity(two, kSource), id);
  two = one;
  two.made += std::chrono::milliseconds(1);
  EXPECT_NE(identity(two, kSource), id) << "of another data folder";
  EXPECT_EQ(identity(one, {.server = "https://moved.example.org", .bucket = "file-exchange", .options = {}}), id);
  Source restored = kSource;
  restored.origins = event::Origins({{event::sequencer_of(1), "another origin"}});
  EXPECT_NE(identity(one, restored), id) << "of a folder that was restored, at the same instant";
}

}  // namespace
}  // namespace s3link::alarm
