#include "services/lambda/upload_mailer.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "core/base/encoding.hpp"
#include "services/lambda/function_fixture_test.hpp"
#include "services/lambda/link_mail.hpp"

namespace s3link::lambda {
namespace {

using namespace std::chrono_literals;
using test_support::FakeClaimLedger;
using test_support::run_sync;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// One upload, delivered by a mailer of its own.
class UploadMailerTest : public FunctionFixture {
 protected:
  lambda::Run run(const std::string& request_id = "req-1") const { return {request_id, "", clock.now() + time_left}; }

  RecordOutcome deliver(const std::string& request_id = "req-1") { return deliver(run(request_id)); }
  RecordOutcome deliver(const lambda::Run& one) {
    const FunctionPorts all = ports();
    UploadMailer mailer(settings, all);
    segment = {};
    return run_sync(mailer.deliver(upload, settings.recipients, one, segment));
  }
  static std::string type_of(const RecordOutcome& outcome) { return outcome.failure ? outcome.failure->type : ""; }

  const FakeClaimLedger::Entry& entry(const std::string& recipient = "you@example.net") {
    return ledger.entries.at({upload.bucket, upload.key, upload.version, recipient});
  }

  Upload upload{.bucket = "file-exchange",
                .key = "in/a.txt",
                .version = "etag",
                .sequencer = "0A",
                .size_bytes = 1234,
                .created = clock.now() - 1min,
                .seen = clock.now() - 1min};
  trace::Segment segment;
};

TEST_F(UploadMailerTest, MailsWhatTheTemplateNeeds) {
  EXPECT_EQ(deliver().delivered, 1U);
  ASSERT_EQ(mail.sent.size(), 1U);
  const auto& sent = mail.sent[0];
  EXPECT_EQ(sent.sender, "Files <files@example.org>");
  EXPECT_EQ(sent.recipient.text(), "you@example.net");
  EXPECT_EQ(sent.template_name, "link");
  EXPECT_EQ(sent.configuration_set, "mails");
  EXPECT_EQ(text_of(sent, "FILE_NAME"), "a.txt");
  EXPECT_EQ(text_of(sent, "SENDER_NAME"), "Files");
  EXPECT_THAT(text_of(sent, "LINK"),
              testing::StartsWith("https://file-exchange.s3.eu-central-1.amazonaws.com/in/a.txt?"));
  const std::string id = mail_id(claim_key(upload, settings.recipients[0]));
  const std::vector<std::pair<std::string, std::string>> headers = {{"Auto-Submitted", "auto-generated"},
                                                                    {"X-s3link-Id", id}};
  EXPECT_EQ(sent.headers, headers);
  const std::vector<std::pair<std::string, std::string>> tags = {
      {"bucket", "file-exchange"}, {"s3link-id", id}, {"request-id", "req-1"}};
  EXPECT_EQ(sent.tags, tags);
}

TEST_F(UploadMailerTest, IsRecordedUntilADayAfterTheRemoval) {
  EXPECT_EQ(deliver().delivered, 1U);
  ASSERT_TRUE(entry().done);
  EXPECT_EQ(entry().done->message_id, "ses-1");
  EXPECT_EQ(iso8601(entry().done->keep_until), "2026-01-05T00:00:00.000Z");
  EXPECT_FALSE(entry().lease);
}

/// What a mail says about time: at 2026-01-02T03:04:05Z, about an upload of one minute earlier unless told.
struct DeadlineCase {
  std::string name;
  SignerKind signer;
  std::chrono::seconds asked_for;
  std::chrono::days ttl;
  std::string created, want_expires, want_life, want_removed;
};
const std::vector<DeadlineCase> kDeadlineCases = {
    {"asked_for", SignerKind::role, 1h, std::chrono::days(1), "2026-01-02T03:03:05Z",
     "Friday, 2 January 2026, 04:04:05 UTC", "3600", "Sunday, 4 January 2026, 00:00:00 UTC"},
    {"role_lives_no_longer_than_5_hours", SignerKind::role, 24h, std::chrono::days(1), "2026-01-02T03:03:05Z",
     "Friday, 2 January 2026, 08:04:05 UTC", "18000", "Sunday, 4 January 2026, 00:00:00 UTC"},
    {"user_lives_on", SignerKind::iam_user, 24h, std::chrono::days(1), "2026-01-02T03:03:05Z",
     "Saturday, 3 January 2026, 03:04:05 UTC", "86400", "Sunday, 4 January 2026, 00:00:00 UTC"},
    {"seven_days_at_most", SignerKind::iam_user, std::chrono::days(8), std::chrono::days(30), "2026-01-02T03:03:05Z",
     "Friday, 9 January 2026, 03:04:05 UTC", "604800", "Monday, 2 February 2026, 00:00:00 UTC"},
    {"the_removal_comes_first", SignerKind::role, 5h, std::chrono::days(1), "2026-01-01T00:00:00Z", "", "", ""},
    {"the_removal_cuts_the_link", SignerKind::iam_user, std::chrono::days(2), std::chrono::days(1),
     "2026-01-01T12:00:00Z", "Saturday, 3 January 2026, 00:00:00 UTC", "75355",
     "Saturday, 3 January 2026, 00:00:00 UTC"},
    {"made_at_midnight_stays_there", SignerKind::iam_user, std::chrono::days(2), std::chrono::days(1),
     "2026-01-02T00:00:00Z", "Saturday, 3 January 2026, 00:00:00 UTC", "75355",
     "Saturday, 3 January 2026, 00:00:00 UTC"},
};
class DeadlineTest : public UploadMailerTest, public testing::WithParamInterface<DeadlineCase> {};
TEST_P(DeadlineTest, IsTheFirstOfAllEnds) {
  const auto& row = GetParam();
  settings.signer = row.signer;
  settings.link_expiration = row.asked_for;
  settings.object_ttl = row.ttl;
  upload.created = *parse_iso8601(row.created);
  const auto outcome = deliver();
  if (row.want_expires.empty()) {
    EXPECT_TRUE(outcome.dropped);
    EXPECT_THAT(mail.tried, IsEmpty());
    EXPECT_THAT(logger.lines, ElementsAre(HasSubstr("rule=object_gone")));
    return;
  }
  ASSERT_EQ(mail.sent.size(), 1U);
  EXPECT_EQ(text_of(mail.sent[0], "EXPIRES_AT"), row.want_expires);
  EXPECT_EQ(text_of(mail.sent[0], "REMOVED_AT"), row.want_removed);
  EXPECT_THAT(text_of(mail.sent[0], "LINK"), HasSubstr("&X-Amz-Expires=" + row.want_life + "&"));
}
INSTANTIATE_TEST_SUITE_P(Table, DeadlineTest, testing::ValuesIn(kDeadlineCases),
                         [](const auto& row) { return row.param.name; });

/// How SES can fail, and what is left in the ledger.
struct MailCase {
  std::string name;
  ErrorKind kind;
  std::string code;
  bool maybe_sent;
  std::string want_type;
  bool want_claim;  ///< kept
  unsigned want_refusals;
};
const std::vector<MailCase> kMailCases = {
    {"rejected", ErrorKind::denied, "MessageRejected", false, kMailRefused, false, 0},
    {"throttled", ErrorKind::transient, "TooManyRequestsException", false, kMailFailed, false, 0},
    {"answer_lost", ErrorKind::transient, "", true, kMailMaybeSent, true, 0},
    {"expired_key", ErrorKind::denied, "ExpiredTokenException", false, kMailRefused, false, 1},
    {"deleted_key", ErrorKind::denied, "UnrecognizedClientException", false, kMailRefused, false, 1},
};
class MailTest : public UploadMailerTest, public testing::WithParamInterface<MailCase> {};
TEST_P(MailTest, FailsAndLeavesTheClaimRight) {
  const auto& row = GetParam();
  mail.failures.emplace_back(mail_failure(row.kind, row.code, row.maybe_sent));
  const auto outcome = deliver();
  ASSERT_EQ(type_of(outcome), row.want_type);
  EXPECT_EQ(outcome.failure->message, "file-exchange/in/a.txt: you@example.net: SES said no");
  EXPECT_EQ(outcome.delivered, 0U);
  EXPECT_EQ(entry().lease.has_value(), row.want_claim);
  EXPECT_FALSE(entry().done);
  EXPECT_EQ(credentials.refusals, row.want_refusals);
  ASSERT_EQ(logger.lines.size(), 1U);
  EXPECT_THAT(logger.lines[0], HasSubstr("mail failed request_id=req-1 bucket=file-exchange key=in/a.txt "
                                         "recipient=you@example.net outcome=" +
                                         row.want_type + " detail=SES said no"));
  EXPECT_THAT(logger.lines[0], HasSubstr("advice=verify the identity"));
  EXPECT_EQ(logger.lines[0].contains("it may come twice"), row.maybe_sent);

  // Another invocation, at once.
  const auto again = deliver("req-2");
  EXPECT_EQ(type_of(again), row.want_claim ? kInProgress : "");
  EXPECT_EQ(again.delivered, row.want_claim ? 0U : 1U);
}
INSTANTIATE_TEST_SUITE_P(Table, MailTest, testing::ValuesIn(kMailCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(UploadMailerTest, ARefusedKeyIsReadAgainForTheNextLink) {
  const FunctionPorts all = ports();
  UploadMailer mailer(settings, all);
  mail.failures.emplace_back(mail_failure(ErrorKind::denied, "InvalidClientTokenId"));
  EXPECT_EQ(type_of(run_sync(mailer.deliver(upload, settings.recipients, run(), segment))), kMailRefused);
  EXPECT_EQ(run_sync(mailer.deliver(upload, settings.recipients, run(), segment)).delivered, 1U);
  EXPECT_THAT(text_of(mail.sent.at(0), "LINK"), HasSubstr("X-Amz-Credential=AKIAFAKE1%2F"));
}

TEST_F(UploadMailerTest, WhoDiedAtItIsTakenOverWhenTheLeaseEnds) {
  mail.failures.emplace_back(mail_failure(ErrorKind::transient, "", true));
  EXPECT_EQ(type_of(deliver("req-1")), kMailMaybeSent);
  const Instant end = entry().lease->until;
  EXPECT_EQ(end, clock.now() + time_left + Run::kLeaseMargin);
  clock.set(end - 1ms);
  EXPECT_EQ(type_of(deliver("req-2")), kInProgress);
  clock.set(end);
  EXPECT_EQ(deliver("req-2").delivered, 1U);
}

TEST_F(UploadMailerTest, TheRetryOfTheSameRequestNeedNotWaitForItsOwnLease) {
  mail.failures.emplace_back(mail_failure(ErrorKind::transient, "", true));
  EXPECT_EQ(type_of(deliver("req-1")), kMailMaybeSent);
  EXPECT_EQ(deliver("req-1").delivered, 1U);
  EXPECT_EQ(mail.maybe_sent.at(0).headers, mail.sent.at(0).headers);  // so that the two can be known as one
}

TEST_F(UploadMailerTest, WhatWasMailedIsNotMailedAgain) {
  EXPECT_EQ(deliver("req-1").delivered, 1U);
  const auto again = deliver("req-2");
  EXPECT_EQ(again.duplicates, 1U);
  EXPECT_FALSE(again.failure);
  EXPECT_EQ(mail.tried.size(), 1U);
  EXPECT_THAT(logger.lines.back(), HasSubstr("outcome=duplicate"));
}

TEST_F(UploadMailerTest, ALaterUploadOfTheSameBytesIsMailed) {
  EXPECT_EQ(deliver().delivered, 1U);
  upload.sequencer = "0B";
  EXPECT_EQ(deliver().delivered, 1U);
  upload.sequencer = "0A";  // its event comes again, late
  EXPECT_EQ(deliver().duplicates, 1U);
}

TEST_F(UploadMailerTest, WithoutALedgerARepeatedEventRepeatsItsMail) {
  with_ledger = false;
  EXPECT_EQ(deliver().delivered, 1U);
  EXPECT_EQ(deliver().delivered, 1U);
  EXPECT_TRUE(ledger.entries.empty());
}

TEST_F(UploadMailerTest, WithoutALedgerAFailureLeavesNothingToRelease) {
  with_ledger = false;
  mail.failures.emplace_back(mail_failure(ErrorKind::transient, "ServiceUnavailable"));
  EXPECT_EQ(type_of(deliver()), kMailFailed);
  EXPECT_TRUE(ledger.entries.empty());
}

TEST_F(UploadMailerTest, NothingIsSentWhenTheLedgerCannotBeAsked) {
  ledger.claim_failures.push_back({ErrorKind::transient, "throttled", "ThrottlingException"});
  const auto outcome = deliver();
  ASSERT_EQ(type_of(outcome), kLedgerError);
  EXPECT_THAT(outcome.failure->message, HasSubstr("not sent, because the ledger cannot be asked: throttled"));
  EXPECT_THAT(mail.tried, IsEmpty());
}

TEST_F(UploadMailerTest, AClaimThatCannotBeReleasedIsLoggedAndEndsByItself) {
  mail.failures.emplace_back(mail_failure(ErrorKind::denied, "MessageRejected"));
  ledger.release_failures.push_back({ErrorKind::transient, "throttled", ""});
  EXPECT_EQ(type_of(deliver()), kMailRefused);
  EXPECT_THAT(logger.lines.back(), HasSubstr("claim not released"));
}

TEST_F(UploadMailerTest, RecordingIsTriedAgainWhileThereIsTime) {
  clock.skip_sleep();
  for (int i = 0; i < 3; ++i) ledger.record_failures.push_back({ErrorKind::transient, "throttled", ""});
  const Instant begin = clock.now();
  EXPECT_EQ(deliver().delivered, 1U);
  EXPECT_TRUE(entry().done);
  EXPECT_THAT(clock.sleeps(), ElementsAre(begin + 100ms, begin + 300ms, begin + 700ms));
}

struct RecordingCase {
  std::string name;
  ErrorKind kind;
  std::size_t failures;
};
const std::vector<RecordingCase> kRecordingCases = {
    {"denied", ErrorKind::denied, 1},
    {"not_before_the_time_is_over", ErrorKind::transient, 1'000},
};
class RecordingTest : public UploadMailerTest, public testing::WithParamInterface<RecordingCase> {};
TEST_P(RecordingTest, AMailThatCannotBeRecordedIsNoFailure) {
  clock.skip_sleep();
  const Instant end = clock.now() + time_left;
  ledger.record_failures.assign(GetParam().failures, {GetParam().kind, "no", ""});
  const auto outcome = deliver();
  EXPECT_FALSE(outcome.failure);
  EXPECT_EQ(outcome.delivered, 1U);
  EXPECT_LT(clock.now(), end - Run::kAnswerTime);
  EXPECT_THAT(logger.lines, ElementsAre(testing::AllOf(testing::StartsWith("mail sent, not recorded"),
                                                       HasSubstr("message_id=ses-1"), HasSubstr("detail=no"))));
  EXPECT_TRUE(entry().lease);  // nobody else sends it until then
}
INSTANTIATE_TEST_SUITE_P(Table, RecordingTest, testing::ValuesIn(kRecordingCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(UploadMailerTest, EachRecipientGetsAMailThoughAnotherIsRefused) {
  recipients({"a@example.net", "b@example.net", "c@example.net"});
  mail.failures = {std::nullopt, mail_failure(ErrorKind::denied, "MessageRejected")};
  const auto outcome = deliver();
  EXPECT_EQ(outcome.delivered, 2U);
  ASSERT_EQ(type_of(outcome), kMailRefused);
  EXPECT_THAT(outcome.failure->message, HasSubstr("b@example.net"));
  EXPECT_THAT(sent(), ElementsAre("a@example.net in/a.txt", "c@example.net in/a.txt"));

  // The retry sends what is missing, and nothing else.
  EXPECT_EQ(deliver().duplicates, 2U);
  EXPECT_EQ(mail.sent.back().recipient.text(), "b@example.net");
}

struct TimeCase {
  std::string name;
  std::chrono::milliseconds left;
  bool want_sent;
};
const std::vector<TimeCase> kTimeCases = {
    {"none", 0ms, false},
    {"over", -1s, false},
    {"a_little_too_short", Run::kAnswerTime + Run::kMailTime - 1ms, false},
    {"just_enough", Run::kAnswerTime + Run::kMailTime, true},
};
class TimeTest : public UploadMailerTest, public testing::WithParamInterface<TimeCase> {};
TEST_P(TimeTest, NoMailIsBegunThatCannotBeEnded) {
  time_left = GetParam().left;
  EXPECT_EQ(type_of(deliver()), GetParam().want_sent ? "" : kOutOfTime);
  EXPECT_EQ(mail.tried.size(), GetParam().want_sent ? 1U : 0U);
  EXPECT_EQ(ledger.entries.size(), GetParam().want_sent ? 1U : 0U);
}
INSTANTIATE_TEST_SUITE_P(Table, TimeTest, testing::ValuesIn(kTimeCases),
                         [](const auto& row) { return row.param.name; });

/// Lets the time pass that a slow mail system takes.
Awaitable<void> take_time(test_support::FakeClock& clock, std::chrono::milliseconds time) {
  clock.advance(time);
  co_return;
}

TEST_F(UploadMailerTest, WhoIsNotReachedInTimeIsNamed) {
  recipients({"a@example.net", "b@example.net"});
  mail.before_send = [this](const std::string&) { return take_time(clock, 29s); };
  const auto outcome = deliver();
  EXPECT_EQ(outcome.delivered, 1U);
  ASSERT_EQ(type_of(outcome), kOutOfTime);
  EXPECT_THAT(outcome.failure->message, HasSubstr("b@example.net: not begun"));
}

TEST_F(UploadMailerTest, SendingEndsBeforeTheTimeThatRecordingNeeds) {
  EXPECT_EQ(deliver().delivered, 1U);
  EXPECT_THAT(mail.deadlines, ElementsAre(clock.now() + time_left - Run::kAnswerTime - Run::kRecordTime));
}

struct UploadCase {
  std::string name, bucket, key, want_type, want_text;
};
const std::vector<UploadCase> kUploadCases = {
    {"dot_dot", "file-exchange", "a/../b", kUnlinkableKey, "a browser changes the segments"},
    {"no_bucket_name", "Files", "a", kInvalidEvent, "s3.bucket.name: "},
    {"too_long_key", "file-exchange", std::string(1025, 'k'), kInvalidEvent, "s3.object.key: "},
};
class UploadTest : public UploadMailerTest, public testing::WithParamInterface<UploadCase> {};
TEST_P(UploadTest, ThatCannotBeLinkedFails) {
  upload.bucket = GetParam().bucket;
  upload.key = GetParam().key;
  const auto outcome = deliver();
  ASSERT_EQ(type_of(outcome), GetParam().want_type);
  EXPECT_THAT(outcome.failure->message, HasSubstr(GetParam().want_text));
  EXPECT_THAT(mail.tried, IsEmpty());
  EXPECT_TRUE(segment.error);
  EXPECT_EQ(segment.cause->type, GetParam().want_type);
  EXPECT_THAT(logger.lines, ElementsAre(HasSubstr("outcome=" + GetParam().want_type)));
}
INSTANTIATE_TEST_SUITE_P(Table, UploadTest, testing::ValuesIn(kUploadCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(UploadMailerTest, ALongKeyDoesNotHideTheReason) {
  upload.key = std::string(500, 'a') + std::string(500, 'b') + ".txt";
  mail.failures.emplace_back(mail_failure(ErrorKind::denied, "MessageRejected"));
  Tally tally;
  tally.add(deliver());
  EXPECT_THAT(tally.error().message, testing::StartsWith("file-exchange/aaa"));
  EXPECT_THAT(tally.error().message, testing::EndsWith("bbb.txt: you@example.net: SES said no"));
  EXPECT_THAT(logger.lines[0], HasSubstr(upload.key));
}

TEST_F(UploadMailerTest, ALongKeyIsCutBetweenCharacters) {
  for (const std::size_t shift : {0U, 1U, 2U, 3U}) {
    upload.key = std::string(shift, '-');
    while (upload.key.size() < 900) upload.key += "\xF0\x9F\x98\x80";
    EXPECT_TRUE(is_utf8(failure_of(upload, kInternalError, "a bug").message));
  }
  upload.key = std::string(120, 'k');
  EXPECT_EQ(failure_of(upload, kInternalError, "a bug").message, "file-exchange/" + upload.key + ": a bug");
}

TEST_F(UploadMailerTest, NoKeyPairIsTold) {
  credentials.failures.push_back({ErrorKind::denied, "AccessDeniedException: not allowed to read the secret", ""});
  const auto outcome = deliver();
  ASSERT_EQ(type_of(outcome), kCredentialsError);
  EXPECT_THAT(outcome.failure->message, HasSubstr("no key pair to sign the link with: AccessDeniedException"));
  EXPECT_THAT(mail.tried, IsEmpty());
  EXPECT_TRUE(ledger.entries.empty());
  ASSERT_EQ(segment.children.size(), 1U);
  EXPECT_TRUE(segment.children[0].fault);
}

Awaitable<void> break_down() {
  throw std::runtime_error("a bug");
  co_return;
}

TEST_F(UploadMailerTest, ABugIsAFailureOfItsRecord) {
  mail.before_send = [](const std::string&) { return break_down(); };
  const auto outcome = deliver();
  ASSERT_EQ(type_of(outcome), kInternalError);
  EXPECT_EQ(outcome.failure->message, "file-exchange/in/a.txt: a bug");
  EXPECT_TRUE(segment.fault);
}

TEST_F(UploadMailerTest, TheSegmentHoldsTheCallsMade) {
  EXPECT_EQ(deliver().delivered, 1U);
  EXPECT_EQ(segment.name, "record");
  EXPECT_EQ(segment.start, clock.now());
  EXPECT_EQ(segment.end, clock.now());
  EXPECT_FALSE(segment.error || segment.fault || segment.cause);
  const std::vector<std::pair<std::string, std::string>> about = {{"bucket", "file-exchange"}, {"key", "in/a.txt"}};
  EXPECT_EQ(segment.metadata, about);
  std::vector<std::string> names;
  for (const auto& child : segment.children) names.push_back(child.name);
  EXPECT_THAT(names, ElementsAre("sign", "DynamoDB", "SES", "DynamoDB"));
}

}  // namespace
}  // namespace s3link::lambda
