#include "apps/s3link/delivery_list.hpp"

#include <gtest/gtest.h>

namespace s3link::app {
namespace {

TEST(ParseDeliveries, ReadsEveryMember) {
  const auto got = parse_deliveries(R"({"deliveries":[{"event_id":7,"state":"delivered","bucket":"b","key":"k \"é",
      "sequencer":"0A","recipient":"a@x.org","message_id":"<m@x>","detail":"250 ok","attempts":2,
      "created":"2026-01-02T03:04:05.006Z","when":"2026-01-02T03:04:06.000Z","deadline":"2026-01-02T08:04:05.000Z",
      "trace":"1-5759e988-bd862e3fe1be46a994272793"},
      {"event_id":8,"state":"pending","attempts":0,"created":"2026-01-02T03:04:05.000Z","when":null}],"next":"8/"})");
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->rows.size(), 2u);
  EXPECT_EQ(got->next, "8/");
  const ports::DeliveryRow& row = got->rows[0];
  EXPECT_EQ(row.event_id, 7);
  EXPECT_EQ(row.state, "delivered");
  EXPECT_EQ(row.key, "k \"é");
  EXPECT_EQ(row.recipient, "a@x.org");
  EXPECT_EQ(row.message_id, "<m@x>");
  EXPECT_EQ(row.detail, "250 ok");
  EXPECT_EQ(row.attempts, 2u);
  EXPECT_EQ(iso8601(row.created), "2026-01-02T03:04:05.006Z");
  ASSERT_TRUE(row.deadline);
  EXPECT_EQ(iso8601(*row.deadline), "2026-01-02T08:04:05.000Z");
  EXPECT_EQ(row.trace, "1-5759e988-bd862e3fe1be46a994272793");
  EXPECT_FALSE(got->rows[1].when);
}

TEST(ParseDeliveries, AnythingElseIsAnError) {
  for (const auto* text : {"", "[]", "{}", "{\"deliveries\":1}", "{\"deliveries\":[1]}", "{\"deliveries\":["}) {
    EXPECT_FALSE(parse_deliveries(text)) << text;
  }
}

}  // namespace
}  // namespace s3link::app
