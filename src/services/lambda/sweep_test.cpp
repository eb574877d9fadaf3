#include "services/lambda/sweep.hpp"

#include <algorithm>
#include <stdexcept>

#include "services/lambda/function_fixture_test.hpp"

namespace s3link::lambda {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

constexpr const char* kNothing = R"({"delivered":0,"dropped":0,"duplicates":0,"swept":0})";

class SweepTest : public FunctionFixture {
 protected:
  /// An object of an hour ago; keys are to be added in their order.
  void put(std::string key, std::chrono::milliseconds age = 1h) {
    listing.objects.push_back({.key = std::move(key),
                               .size_bytes = 1234,
                               .etag = "d41d8cd98f00b204e9800998ecf8427e",
                               .modified = std::chrono::floor<std::chrono::seconds>(clock.now() - age)});
  }
  std::expected<std::string, ports::InvocationError> sweep() { return invoke(kScheduleEvent); }

  /// The names of the segments that were sent, in order.
  std::vector<std::string> segment_names() const {
    std::vector<std::string> out;
    for (const auto& segment : traces.segments) out.push_back(segment.name);
    return out;
  }
};

TEST_F(SweepTest, MailsWhatTheLedgerDoesNotKnow) {
  put("a.txt");
  put("b.txt");
  recipients({"a@example.net", "b@example.net"});
  EXPECT_EQ(sweep(), R"({"delivered":4,"dropped":0,"duplicates":0,"swept":2})");
  EXPECT_THAT(sent(), UnorderedElementsAre("a@example.net a.txt", "b@example.net a.txt", "a@example.net b.txt",
                                           "b@example.net b.txt"));
  EXPECT_EQ(sweep(), kNothing);
}

TEST_F(SweepTest, PassesOverWhatAnEventHasTold) {
  put("a.txt", 1min);
  ASSERT_TRUE(invoke(event_of({record("a.txt")})));
  clock.advance(1h);
  EXPECT_EQ(sweep(), kNothing);
}

TEST_F(SweepTest, TheEventThatComesAfterItSendsNothing) {
  put("a.txt", 1h);
  auto late = record("a.txt");
  late.time = clock.now() - 1h + 300ms;
  EXPECT_EQ(sweep(), R"({"delivered":1,"dropped":0,"duplicates":0,"swept":1})");
  EXPECT_EQ(invoke(event_of({late})), R"({"delivered":0,"dropped":0,"duplicates":1,"swept":0})");
}

TEST_F(SweepTest, OnlyWhoHasNoMailYetGetsOne) {
  put("a.txt", 1min);
  recipients({"a@example.net", "b@example.net"});
  mail.failures = {std::nullopt, mail_failure(ErrorKind::denied, "MessageRejected")};
  ASSERT_FALSE(invoke(event_of({record("a.txt")})));
  clock.advance(1h);
  EXPECT_EQ(sweep(), R"({"delivered":1,"dropped":0,"duplicates":0,"swept":1})");
  EXPECT_THAT(sent(), ElementsAre("a@example.net a.txt", "b@example.net a.txt"));
}

struct AgeCase {
  std::string name;
  std::chrono::milliseconds age;
  bool want_mailed;
};
const std::vector<AgeCase> kAgeCases = {
    {"new", 0s, false},          {"not_old_enough", 14min + 59s, false}, {"old_enough", 15min, true},
    {"of_yesterday", 20h, true}, {"to_be_removed", 48h, false},
};
class AgeTest : public SweepTest, public testing::WithParamInterface<AgeCase> {};
TEST_P(AgeTest, DecidesWhetherAnEventIsStillWaitedFor) {
  clock.set(std::chrono::floor<std::chrono::seconds>(clock.now()));
  put("a.txt", GetParam().age);
  EXPECT_TRUE(sweep());
  EXPECT_EQ(mail.sent.size(), GetParam().want_mailed ? 1U : 0U);
}
INSTANTIATE_TEST_SUITE_P(Table, AgeTest, testing::ValuesIn(kAgeCases), [](const auto& row) { return row.param.name; });

TEST_F(SweepTest, PassesOverFolderMarkersAndKeysThatCannotBeLinked) {
  put("a/../b");
  put("folder/");
  listing.objects.back().size_bytes = 0;
  EXPECT_EQ(sweep(), kNothing);
  EXPECT_THAT(logger.lines, ElementsAre(AllOf(HasSubstr("object passed over by the sweep"), HasSubstr("key=a/../b")),
                                        HasSubstr("invocation ended")));
}

TEST_F(SweepTest, AFileWhoseNameEndsLikeAFolderIsMailed) {
  put("odd/");
  EXPECT_EQ(sweep(), R"({"delivered":1,"dropped":0,"duplicates":0,"swept":1})");
}

TEST_F(SweepTest, EndsAfterSoManyPagesAndGoesOnFromThere) {
  listing.page_size = 2;
  for (std::size_t i = 0; i < 2 * Sweep::kMaxPages + 3; ++i) put("k" + std::to_string(100 + i));
  EXPECT_EQ(sweep(), R"({"delivered":40,"dropped":0,"duplicates":0,"swept":40})");
  EXPECT_EQ(listing.calls.size(), Sweep::kMaxPages);
  EXPECT_EQ(ledger.cursor, "k139");

  listing.calls.clear();
  EXPECT_EQ(sweep(), R"({"delivered":3,"dropped":0,"duplicates":0,"swept":3})");
  EXPECT_THAT(listing.calls, ElementsAre("k139", "k141"));
  EXPECT_EQ(ledger.cursor, "");  // the next run starts over

  listing.calls.clear();
  EXPECT_EQ(sweep(), kNothing);
  EXPECT_EQ(listing.calls.front(), "");
}

TEST_F(SweepTest, AnEmptyBucketIsNoFailure) {
  EXPECT_EQ(sweep(), kNothing);
  EXPECT_THAT(ledger.cursors, IsEmpty());
}

Awaitable<void> take_time(test_support::FakeClock& clock, std::chrono::milliseconds time) {
  clock.advance(time);
  co_return;
}

TEST_F(SweepTest, StopsWhenItsTimeIsOverAndKeepsThePlace) {
  for (const char* key : {"a", "b", "c", "d", "e", "f", "g", "h"}) put(key);
  time_left = 60s;
  mail.before_send = [this](const std::string&) { return take_time(clock, 15s); };
  const auto first = sweep();
  EXPECT_EQ(first, R"({"delivered":4,"dropped":0,"duplicates":0,"swept":4})");
  EXPECT_EQ(ledger.cursor, "d");
  EXPECT_THAT(metrics.values, Contains(std::pair<std::string, double>("Failed", 0)));

  mail.before_send = nullptr;
  EXPECT_EQ(sweep(), R"({"delivered":4,"dropped":0,"duplicates":0,"swept":4})");
  EXPECT_THAT(listing.calls, ElementsAre("", "d"));
  EXPECT_EQ(mail.sent.size(), 8U);
}

TEST_F(SweepTest, WithNoTimeAtAllNothingIsListed) {
  put("a.txt");
  ledger.cursor = "0";
  time_left = 1s;
  EXPECT_EQ(sweep(), kNothing);
  EXPECT_THAT(listing.calls, IsEmpty());
  EXPECT_EQ(ledger.cursor, "0");
}

TEST_F(SweepTest, WhoIsBeingMailedByAnotherIsLeftToIt) {
  put("a.txt", 20min);
  mail.failures.emplace_back(mail_failure(ErrorKind::transient, "", true));
  auto late = record("a.txt");
  late.time = clock.now() - 20min + 300ms;
  ASSERT_EQ(type_of(invoke(event_of({late}))), kMailMaybeSent);
  EXPECT_EQ(invoke(kScheduleEvent, "req-2"), kNothing);
}

struct FailureCase {
  std::string name;
  void (*order)(test_support::FakeClaimLedger&, test_support::FakeBucketListing&);
  std::string want_type, want_text;
  std::size_t want_sent;
  std::string want_cursor;
};
const Error kThrottled{ErrorKind::transient, "throttled", "ThrottlingException"};
const std::vector<FailureCase> kFailureCases = {
    {"place_not_read", [](auto& ledger, auto&) { ledger.cursor_failures.push_back(kThrottled); }, kSweepFailed,
     "the place to go on from cannot be read: throttled", 0, ""},
    {"bucket_not_listed", [](auto&, auto& listing) { listing.failures.push_back(kThrottled); }, kSweepFailed,
     "file-exchange: cannot be listed: throttled", 0, ""},
    {"place_not_kept",
     [](auto& ledger, auto&) {
       ledger.cursor = "1";
       ledger.save_failures.push_back(kThrottled);
     },
     kSweepFailed, "the place reached cannot be kept: throttled", 2, "1"},
    {"object_not_looked_up", [](auto& ledger, auto&) { ledger.knows_failures.push_back(kThrottled); }, kLedgerError,
     "file-exchange/a.txt: throttled", 1, ""},
};
class FailureTest : public SweepTest, public testing::WithParamInterface<FailureCase> {};
TEST_P(FailureTest, IsNamedAndTheRestIsDone) {
  put("a.txt");
  put("b.txt");
  GetParam().order(ledger, listing);
  const auto answer = sweep();
  ASSERT_EQ(type_of(answer), GetParam().want_type);
  EXPECT_THAT(answer.error().message, HasSubstr(GetParam().want_text));
  EXPECT_EQ(mail.sent.size(), GetParam().want_sent);
  EXPECT_EQ(ledger.cursor, GetParam().want_cursor);
}
INSTANTIATE_TEST_SUITE_P(Table, FailureTest, testing::ValuesIn(kFailureCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(SweepTest, APageThatCannotBeListedLeavesThePlaceBeforeIt) {
  listing.page_size = 1;
  put("a.txt");
  put("b.txt");
  const auto fail_second = [this](const std::string&) {
    listing.failures.assign(1, kThrottled);
    return take_time(clock, 0s);
  };
  mail.before_send = fail_second;
  EXPECT_EQ(type_of(sweep()), kSweepFailed);
  EXPECT_EQ(ledger.cursor, "a.txt");
}

TEST_F(SweepTest, ARefusedKeyIsReadAgain) {
  listing.failures.push_back({ErrorKind::denied, "no such key", "InvalidAccessKeyId"});
  EXPECT_EQ(type_of(sweep()), kSweepFailed);
  EXPECT_EQ(credentials.refusals, 1U);
}

TEST_F(SweepTest, AnObjectThatFailsDoesNotStopTheOthersNorItself) {
  put("a.txt");
  put("b.txt");
  mail.failures.emplace_back(mail_failure(ErrorKind::transient, "ServiceUnavailable"));
  const auto answer = sweep();
  ASSERT_EQ(type_of(answer), kMailFailed);
  EXPECT_THAT(answer.error().message, testing::StartsWith("1 of 2 records failed: file-exchange/a.txt: "));
  EXPECT_EQ(sweep(), R"({"delivered":1,"dropped":0,"duplicates":0,"swept":1})");
  EXPECT_EQ(mail.sent.size(), 2U);
}

TEST_F(SweepTest, NeedsALedger) {
  with_ledger = false;
  put("a.txt");
  const auto answer = sweep();
  ASSERT_EQ(type_of(answer), kSweepNeedsLedger);
  EXPECT_THAT(answer.error().message, HasSubstr("remove the schedule"));
  EXPECT_THAT(listing.calls, IsEmpty());
}

TEST_F(SweepTest, NeedsABucket) {
  settings.bucket.clear();
  const auto answer = sweep();
  ASSERT_EQ(type_of(answer), kSweepFailed);
  EXPECT_THAT(answer.error().message, HasSubstr("FileExchangeBucketName"));
  EXPECT_THAT(listing.calls, IsEmpty());
}

TEST_F(SweepTest, TracesItselfAndWhatItMailed) {
  put("a.txt");
  put("b.txt", 1min);
  EXPECT_TRUE(sweep());
  EXPECT_THAT(segment_names(), ElementsAre("parse", "record", "sweep"));
  std::vector<std::string> calls;
  for (const auto& child : traces.segments.back().children) calls.push_back(child.name);
  EXPECT_THAT(calls, ElementsAre("DynamoDB", "S3"));
}

TEST_F(SweepTest, AnObjectThatCannotBeLookedUpHasASegmentWithItsCause) {
  put("a.txt");
  ledger.knows_failures.push_back(kThrottled);
  EXPECT_FALSE(sweep());
  ASSERT_THAT(segment_names(), ElementsAre("parse", "record", "sweep"));
  const auto& segment = traces.segments[1];
  EXPECT_EQ(segment.start, clock.now());
  EXPECT_EQ(segment.end, clock.now());
  EXPECT_TRUE(segment.fault);
  ASSERT_TRUE(segment.cause);
  EXPECT_EQ(segment.cause->type, kLedgerError);
  const std::vector<std::pair<std::string, std::string>> about = {{"bucket", "file-exchange"}, {"key", "a.txt"}};
  EXPECT_EQ(segment.metadata, about);
  EXPECT_THAT(logger.lines, Contains(AllOf(HasSubstr("key=a.txt"), HasSubstr("outcome=s3link.LedgerError"))));
}

TEST_F(SweepTest, ABugIsAFailureOfItsObject) {
  put("a.txt");
  put("b.txt");
  ledger.before_knows = [](const ports::ClaimKey& key) {
    if (key.key == "a.txt") throw std::runtime_error("a bug");
  };
  const auto answer = sweep();
  ASSERT_EQ(type_of(answer), kInternalError);
  EXPECT_THAT(answer.error().message, HasSubstr("file-exchange/a.txt: a bug"));
  EXPECT_THAT(sent(), ElementsAre("you@example.net b.txt"));
}

TEST_F(SweepTest, SaysInItsLogHowManyItFound) {
  put("a.txt");
  EXPECT_TRUE(sweep());
  EXPECT_THAT(logger.lines.back(), HasSubstr(" swept=1 "));
  EXPECT_TRUE(sweep());
  EXPECT_THAT(logger.lines.back(), Not(HasSubstr("swept=")));
}

TEST_F(SweepTest, TheLookUpIsPartOfTheSegment) {
  put("a.txt");
  EXPECT_TRUE(sweep());
  std::vector<std::string> calls;
  for (const auto& child : traces.segments.at(1).children) calls.push_back(child.name);
  EXPECT_THAT(calls, ElementsAre("DynamoDB", "sign", "DynamoDB", "SES", "DynamoDB"));
}

}  // namespace
}  // namespace s3link::lambda
