#include "services/server/alarms.hpp"

#include "services/server/api_fixture.hpp"
#include "support/fake_alarm_store.hpp"
#include "support/run_sync.hpp"

namespace s3link::server {
namespace {

using testing::HasSubstr;

class AlarmsTest : public ApiTest {
 protected:
  test_support::FakeAlarmStore alarms_;
  AlarmsDocument document_{{.dead_letter_threshold = 1,
                            .max_wait = std::chrono::hours(1),
                            .subscribers = {"email", "webhook"},
                            .clock =
                                [this] {
                                  return delivery::ClockStatus{.removal_waits = true,
                                                               .wall = clock.now(),
                                                               .removal = clock.now() - std::chrono::minutes(90)};
                                }},
                           alarms_,
                           clock};
  S3Api shown_{{.region = "us-east-1", .exchange_bucket = *s3::BucketName::parse(kBucket), .domain = {}},
               keys,
               store,
               deliveries,
               dead_letters,
               redrive,
               clock,
               random,
               {},
               {&document_}};
  Reply ask(TestRequest request) { return send_to(shown_, std::move(request)); }
};

TEST_F(AlarmsTest, ShowsStatesMeasuresAndSubscribers) {
  alarms_.add_dead_letters(2);
  alarms_.waiting.emplace_back(clock.now() - std::chrono::seconds(90), std::nullopt);
  delivery::AlarmMemory raised;
  raised.state = raised.told = delivery::AlarmState::alarm;
  raised.since = raised.alarm_told = clock.now() - std::chrono::seconds(5);
  alarm::Notification notification;
  notification.made = clock.now();
  ASSERT_TRUE(
      test_support::run_sync(alarms_.save_and_notify(alarm::AlarmName::dead_letters, raised, notification, {"email"})));
  ASSERT_TRUE(test_support::run_sync(alarms_.reschedule("email", 1, clock.now(), clock.now(), "451 later")));
  const Reply reply = ask({.method = "GET", .target = "/_/api/v1/alarms"});
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(
      reply.body,
      R"({"alarms":[{"alarm":"dead-letters","state":"ALARM","since":"2026-01-02T03:04:00.000Z","value":2,"threshold":1,)"
      R"("unit":"dead letters","told":"ALARM","told_at":"2026-01-02T03:04:00.000Z"},)"
      R"({"alarm":"oldest-event","state":"OK","since":null,"value":90,"threshold":3600,"unit":"seconds","told":"OK",)"
      R"("told_at":null},)"
      R"({"alarm":"relay-login","state":"OK","since":null,"value":0,"threshold":0,"unit":"seconds","told":"OK",)"
      R"("told_at":null},)"
      R"({"alarm":"clock","state":"OK","since":null,"value":5400,"threshold":0,"unit":"seconds","told":"OK",)"
      R"("told_at":null},)"
      R"({"alarm":"storage","state":"OK","since":null,"value":0,"threshold":0,"unit":"seconds","told":"OK",)"
      R"("told_at":null}],"subscribers":[{"name":"email","told":0,"pending":1,"failed_attempts":1,"given_up":0,)"
      R"("last_told":null,"last_failure":"2026-01-02T03:04:05.000Z","last_reason":"451 later"},)"
      R"({"name":"webhook","told":0,"pending":0,"failed_attempts":0,"given_up":0,"last_told":null,"last_failure":null,)"
      R"("last_reason":""}]})");
}

TEST_F(AlarmsTest, NeedsASignatureAndIsReadOnly) {
  const Reply foreign = ask({.method = "GET", .target = "/_/api/v1/alarms", .signed_by = "another secret of theirs"});
  EXPECT_EQ(foreign.status, 403U);
  EXPECT_THAT(foreign.body, HasSubstr("SignatureDoesNotMatch"));
  EXPECT_EQ(ask({.method = "DELETE", .target = "/_/api/v1/alarms"}).status, 405U);
  EXPECT_EQ(ask({.method = "GET", .target = "/_/api/v1/alarm"}).status, 404U);
}

TEST_F(AlarmsTest, StoreThatFailsTellsNothingOfItself) {
  alarms_.failures.push_back({ErrorKind::internal, "SQLITE_CORRUPT", ""});
  const Reply reply = ask({.method = "GET", .target = "/_/api/v1/alarms"});
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(reply.body, testing::Not(HasSubstr("SQLITE")));
}

}  // namespace
}  // namespace s3link::server
