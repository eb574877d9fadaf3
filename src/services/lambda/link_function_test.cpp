#include "services/lambda/link_function.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <stdexcept>

#include "services/lambda/at_once.hpp"
#include "services/lambda/function_fixture_test.hpp"
#include "services/lambda/tally.hpp"

namespace s3link::lambda {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

using LinkFunctionTest = FunctionFixture;

std::string counts(int delivered, int dropped, int duplicates) {
  return R"({"delivered":)" + std::to_string(delivered) + R"(,"dropped":)" + std::to_string(dropped) +
         R"(,"duplicates":)" + std::to_string(duplicates) + R"(,"swept":0})";
}

TEST_F(LinkFunctionTest, MailsALinkToEachRecipient) {
  recipients({"a@example.net", "b@example.net"});
  EXPECT_EQ(invoke(event_of({record("in/a.txt")})), counts(2, 0, 0));
  EXPECT_THAT(sent(), ElementsAre("a@example.net in/a.txt", "b@example.net in/a.txt"));
}

/// What no record can be found in.
struct PayloadCase {
  std::string name, payload, want_text;
};
const std::vector<PayloadCase> kPayloadCases = {
    {"nothing", "", "notification: not JSON"},
    {"no_json", "Records", "notification: not JSON"},
    {"no_object", "[1]", "notification: not an object"},
    {"null", "null", "notification: not an object"},
    {"of_nobody", "{}", "Records: missing"},
    {"records_no_list", R"({"Records":{}})", "Records: not an array"},
    {"of_the_event_bus", R"({"source":"aws.s3","detail-type":"Object Created","detail":{}})", "Records: missing"},
    {"test_of_another_service", R"({"Event":"sns:TestEvent"})", "Records: missing"},
    {"no_end_of_nesting", std::string(100'000, '['), "notification: not JSON"},
    {"too_long", std::string(6 * 1024 * 1024 + 1, ' '), "notification: longer than 6144 KiB"},
};
class PayloadTest : public LinkFunctionTest, public testing::WithParamInterface<PayloadCase> {};
TEST_P(PayloadTest, ThatIsNoEventIsNamedAndTheNextOneIsHandled) {
  const auto answer = invoke(GetParam().payload);
  ASSERT_EQ(type_of(answer), kInvalidEvent);
  EXPECT_THAT(answer.error().message, HasSubstr(GetParam().want_text));
  EXPECT_THAT(mail.tried, IsEmpty());
  EXPECT_THAT(logger.lines, ElementsAre(AllOf(StartsWith("invocation ended request_id=req-1 trace_id=1-5759e988-"),
                                              HasSubstr("failed=1"), HasSubstr("outcome=s3link.InvalidEvent detail="),
                                              HasSubstr(GetParam().want_text))));
  ASSERT_EQ(traces.segments.size(), 1U);
  EXPECT_TRUE(traces.segments[0].error);
  EXPECT_EQ(traces.segments[0].cause->type, kInvalidEvent);

  EXPECT_EQ(invoke(event_of({record("a.txt")}), "req-2"), counts(1, 0, 0));
}
INSTANTIATE_TEST_SUITE_P(Table, PayloadTest, testing::ValuesIn(kPayloadCases),
                         [](const auto& row) { return row.param.name; });

/// A record that is wrong, between two that are not.
struct WrongRecordCase {
  std::string name, record, want_text;
};
const std::vector<WrongRecordCase> kWrongRecordCases = {
    {"no_object", "7", "Records[1]: not an object"},
    {"no_key",
     R"({"eventVersion":"2.1","eventTime":"2026-01-02T03:00:00Z","eventName":"ObjectCreated:Put",)"
     R"("s3":{"bucket":{"name":"b-b"},"object":{"size":1}}})",
     "Records[1].s3.object.key: missing"},
    {"version_3",
     R"({"eventVersion":"3.0","eventTime":"2026-01-02T03:00:00Z","eventName":"ObjectCreated:Put",)"
     R"("s3":{"bucket":{"name":"b-b"},"object":{"key":"k","size":1}}})",
     "Records[1].eventVersion: not 2.x"},
    {"of_sqs", R"({"messageId":"1","body":"x","eventSource":"aws:sqs"})", "Records[1].eventVersion: missing"},
    {"of_sns", R"({"EventSource":"aws:sns","EventVersion":"1.0","Sns":{}})", "Records[1].eventVersion: missing"},
};
class WrongRecordTest : public LinkFunctionTest, public testing::WithParamInterface<WrongRecordCase> {};
TEST_P(WrongRecordTest, ThatIsWrongFailsAfterTheOthersWereMailed) {
  const std::string good = event_of({record("a.txt")});
  const std::string last = event_of({record("c.txt")});
  const std::string event = good.substr(0, good.size() - 2) + "," + GetParam().record + "," + last.substr(12);
  const auto answer = invoke(event);
  ASSERT_EQ(type_of(answer), kInvalidEvent);
  EXPECT_THAT(answer.error().message, AllOf(StartsWith("1 of 3 records failed: "), HasSubstr(GetParam().want_text)));
  EXPECT_THAT(sent(), ElementsAre("you@example.net a.txt", "you@example.net c.txt"));
  EXPECT_THAT(logger.lines, Contains(AllOf(StartsWith("record failed request_id=req-1"),
                                           HasSubstr("outcome=s3link.InvalidEvent detail=" + GetParam().want_text))));
  EXPECT_TRUE(traces.segments.at(0).error);

  EXPECT_EQ(type_of(invoke(event)), kInvalidEvent);  // the retry
  EXPECT_EQ(mail.sent.size(), 2U);
}
INSTANTIATE_TEST_SUITE_P(Table, WrongRecordTest, testing::ValuesIn(kWrongRecordCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(LinkFunctionTest, TheTestEventOfS3IsDropped) {
  EXPECT_EQ(invoke(R"({"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2014-10-13T15:57:02.089Z",)"
                   R"("Bucket":"file-exchange","RequestId":"5582815E1AEA5ADF","HostId":"8cLeGAmw"})"),
            counts(0, 1, 0));
  EXPECT_THAT(logger.lines, ElementsAre(AllOf(StartsWith("record dropped"), HasSubstr("rule=test_event")),
                                        StartsWith("invocation ended")));
}

struct DropCase {
  std::string name, event_name, key;
  std::uint64_t size_bytes;
  std::string want_rule;  ///< empty: mailed
};
const std::vector<DropCase> kDropCases = {
    {"folder_marker", "ObjectCreated:Put", "in/", 0, "folder_marker"},
    {"file_that_ends_in_a_slash", "ObjectCreated:Put", "in/", 1, ""},
    {"empty_file", "ObjectCreated:Put", "in/a", 0, ""},
    {"removal", "ObjectRemoved:Delete", "in/a", 0, "not_created"},
    {"expiry", "LifecycleExpiration:Delete", "in/a", 0, "not_created"},
    {"form_post", "ObjectCreated:Post", "a", 1, ""},
    {"copy", "ObjectCreated:Copy", "a", 1, ""},
    {"multipart", "ObjectCreated:CompleteMultipartUpload", "a", 1, ""},
};
class DropTest : public LinkFunctionTest, public testing::WithParamInterface<DropCase> {};
TEST_P(DropTest, IsMailedOrDroppedWithALine) {
  auto one = record(GetParam().key);
  one.event_name = GetParam().event_name;
  one.size_bytes = GetParam().size_bytes;
  const bool dropped = !GetParam().want_rule.empty();
  EXPECT_EQ(invoke(event_of({one})), counts(dropped ? 0 : 1, dropped ? 1 : 0, 0));
  EXPECT_EQ(mail.tried.size(), dropped ? 0U : 1U);
  EXPECT_THAT(logger.lines.at(0),
              HasSubstr(dropped ? "outcome=dropped rule=" + GetParam().want_rule + " detail=" : "outcome=delivered"));
  EXPECT_THAT(logger.lines.at(0), HasSubstr("key=" + GetParam().key));
}
INSTANTIATE_TEST_SUITE_P(Table, DropTest, testing::ValuesIn(kDropCases),
                         [](const auto& row) { return row.param.name; });

/// How a key is written in an event, and what is mailed of it.
struct KeyCase {
  std::string name, in_event, want_key, want_path;
};
const std::vector<KeyCase> kKeyCases = {
    {"plain", "in/a.txt", "in/a.txt", "/in/a.txt?"},
    {"space", "my+photo.jpg", "my photo.jpg", "/my%20photo.jpg?"},
    {"space_in_hex", "my%20photo.jpg", "my photo.jpg", "/my%20photo.jpg?"},
    {"plus", "1%2B1.txt", "1+1.txt", "/1%2B1.txt?"},
    {"percent", "100%25.txt", "100%.txt", "/100%25.txt?"},
    {"what_looks_encoded", "a%252Bb.txt", "a%2Bb.txt", "/a%252Bb.txt?"},
    {"emoji", "%F0%9F%98%80.txt", "\xF0\x9F\x98\x80.txt", "/%F0%9F%98%80.txt?"},
    {"umlaut_unencoded", "\xC3\xA4.txt", "\xC3\xA4.txt", "/%C3%A4.txt?"},
    {"slash_in_hex", "a%2Fb.txt", "a/b.txt", "/a/b.txt?"},
};
class KeyTest : public LinkFunctionTest, public testing::WithParamInterface<KeyCase> {};
TEST_P(KeyTest, IsDecodedOnce) {
  std::string event = event_of({record("KEY")});
  event.replace(event.find("KEY"), 3, GetParam().in_event);
  EXPECT_EQ(invoke(event), counts(1, 0, 0));
  EXPECT_EQ(text_of(mail.sent.at(0), "KEY_TEXT"), GetParam().want_key);
  EXPECT_THAT(text_of(mail.sent.at(0), "LINK"), HasSubstr(".amazonaws.com" + GetParam().want_path));
}
INSTANTIATE_TEST_SUITE_P(Table, KeyTest, testing::ValuesIn(kKeyCases), [](const auto& row) { return row.param.name; });

TEST_F(LinkFunctionTest, ARecordThatFailsDoesNotKeepTheOthersBack) {
  mail.failures = {std::nullopt, mail_failure(ErrorKind::denied, "MessageRejected")};
  const std::string event = event_of({record("a"), record("b"), record("c")});
  const auto answer = invoke(event);
  ASSERT_EQ(type_of(answer), kMailRefused);
  EXPECT_EQ(answer.error().message, "1 of 3 records failed: file-exchange/b: you@example.net: SES said no");
  EXPECT_EQ(mail.sent.size(), 2U);

  EXPECT_EQ(invoke(event), counts(1, 0, 2));  // Lambda's retry
  EXPECT_EQ(mail.sent.size(), 3U);
}

TEST_F(LinkFunctionTest, ADuplicateEventSendsNothing) {
  const std::string event = event_of({record("a")});
  EXPECT_EQ(invoke(event, "req-1"), counts(1, 0, 0));
  EXPECT_EQ(invoke(event, "req-2"), counts(0, 0, 1));
  EXPECT_EQ(mail.tried.size(), 1U);
}

/// The first mail takes the longest.
Awaitable<void> slow_at_first(std::size_t& calls) {
  const int turns = calls++ == 0 ? 100 : 1;
  for (int i = 0; i < turns; ++i) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

TEST_F(LinkFunctionTest, UploadsOfTheSameBytesInOneEventAreRememberedByTheLast) {
  std::size_t calls = 0;
  mail.before_send = [&calls](const std::string&) { return slow_at_first(calls); };
  const std::string event = event_of({record("a", "0A"), record("a", "0B"), record("b", "0A")});
  EXPECT_EQ(invoke(event, "req-1"), counts(3, 0, 0));
  EXPECT_EQ(invoke(event, "req-2"), counts(0, 0, 3));
}

struct RepeatCase {
  std::string name;
  bool with_ledger;
  std::string second_sequencer;
  std::chrono::milliseconds second_later;
  std::size_t want_sent;
};
const std::vector<RepeatCase> kRepeatCases = {
    {"with_ledger", true, "0A", 0s, 1},
    {"without_ledger", false, "0A", 0s, 1},
    {"uploaded_again", false, "0B", 1s, 2},
    {"without_a_sequencer", false, "", 0s, 2},
};
class RepeatTest : public LinkFunctionTest, public testing::WithParamInterface<RepeatCase> {};
TEST_P(RepeatTest, OfARecordInItsEventIsMailedOnce) {
  with_ledger = GetParam().with_ledger;
  auto second = record("a", GetParam().second_sequencer);
  second.time += GetParam().second_later;
  ASSERT_TRUE(invoke(event_of({record("a"), second})));
  EXPECT_EQ(mail.sent.size(), GetParam().want_sent);
}
INSTANTIATE_TEST_SUITE_P(Table, RepeatTest, testing::ValuesIn(kRepeatCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(LinkFunctionTest, TwoUploadsWithoutSequencersAreToldApartByTheirTime) {
  with_ledger = false;
  auto later = record("a", "");
  later.time += 1s;
  EXPECT_EQ(invoke(event_of({record("a", ""), later, later})), counts(2, 0, 1));
}

/// Another mail gets its turn while this one is sent.
struct Turns {
  std::size_t running = 0;
  std::size_t most = 0;
};
Awaitable<void> take_turns(Turns& turns) {
  turns.most = std::max(turns.most, ++turns.running);
  for (int i = 0; i < 3; ++i) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  --turns.running;
}

TEST_F(LinkFunctionTest, AHundredRecordsAreMailedFewAtATime) {
  std::vector<event::EventRecord> records;
  for (int i = 0; i < 100; ++i) records.push_back(record("k" + std::to_string(i)));
  Turns turns;
  mail.before_send = [&turns](const std::string&) { return take_turns(turns); };
  EXPECT_EQ(invoke(event_of(records)), counts(100, 0, 0));
  EXPECT_EQ(turns.most, kAtOnce);
  EXPECT_EQ(credentials.gets, 100U);
  EXPECT_EQ(traces.segments.size(), 101U);
  std::vector<std::string> keys = sent();
  std::ranges::sort(keys);
  EXPECT_EQ(std::ranges::unique(keys).begin(), keys.end());
}

Awaitable<void> take_time(test_support::FakeClock& clock, std::chrono::milliseconds time) {
  clock.advance(time);
  co_return;
}

TEST_F(LinkFunctionTest, WhatThereWasNoTimeForIsLeftToTheRetry) {
  mail.before_send = [this](const std::string&) { return take_time(clock, 10s); };
  std::vector<event::EventRecord> records;
  for (int i = 0; i < 8; ++i) records.push_back(record("k" + std::to_string(i)));
  const std::string event = event_of(records);
  const auto answer = invoke(event);
  ASSERT_EQ(type_of(answer), kOutOfTime);
  const std::size_t in_time = mail.sent.size();
  EXPECT_EQ(in_time, 3U);
  EXPECT_THAT(answer.error().message, StartsWith("5 of 8 records failed: file-exchange/k3: "));
  EXPECT_THAT(answer.error().message, testing::EndsWith("; and 2 more"));

  mail.before_send = nullptr;
  EXPECT_EQ(invoke(event), counts(5, 0, 3));
}

Awaitable<void> break_down() {
  throw std::runtime_error("a bug");
  co_return;
}

/// Everything that is said about an invocation outside of its mails: log lines, segments, metrics.
void append_segment(std::string& out, const trace::Segment& segment) {
  out += segment.name + "\n";
  for (const auto& pairs : {segment.annotations, segment.metadata}) {
    for (const auto& [name, value] : pairs) out += name + "=" + value + "\n";
  }
  if (segment.cause) out += segment.cause->type + ": " + segment.cause->message + "\n";
  for (const auto& child : segment.children) append_segment(out, child);
}

std::string everything_said(const FunctionFixture& at) {
  std::string out;
  for (const auto& line : at.logger.lines) out += line + "\n";
  for (const auto& segment : at.traces.segments) append_segment(out, segment);
  for (const auto& [name, value] : at.metrics.names) out += name + "=" + value + "\n";
  return out;
}

/// One way to each end that an invocation can have.
struct EndCase {
  std::string name;
  std::string (*prepare)(FunctionFixture&);  ///< returns the event
  std::string want_type;                     ///< empty: a success
};
const std::vector<EndCase> kEndCases = {
    {"done", [](FunctionFixture& at) { return event_of({at.record("a")}); }, ""},
    {"invalid_event", [](FunctionFixture&) { return std::string("{}"); }, "s3link.InvalidEvent"},
    {"unlinkable_key", [](FunctionFixture& at) { return event_of({at.record("a/../b")}); }, "s3link.UnlinkableKey"},
    {"in_progress",
     [](FunctionFixture& at) {
       at.ledger.entries[{"file-exchange", "a", at.record("a").etag, "you@example.net"}].lease = {
           .owner = "another", .until = at.clock.now() + 1ms};
       return event_of({at.record("a")});
     },
     "s3link.InProgress"},
    {"out_of_time",
     [](FunctionFixture& at) {
       at.time_left = 1s;
       return event_of({at.record("a")});
     },
     "s3link.OutOfTime"},
    {"mail_refused",
     [](FunctionFixture& at) {
       at.mail.failures.emplace_back(FunctionFixture::mail_failure(ErrorKind::denied, "MessageRejected"));
       return event_of({at.record("a")});
     },
     "s3link.MailRefused"},
    {"mail_failed",
     [](FunctionFixture& at) {
       at.mail.failures.emplace_back(FunctionFixture::mail_failure(ErrorKind::transient, "TooManyRequestsException"));
       return event_of({at.record("a")});
     },
     "s3link.MailFailed"},
    {"mail_maybe_sent",
     [](FunctionFixture& at) {
       at.mail.failures.emplace_back(FunctionFixture::mail_failure(ErrorKind::transient, "", true));
       return event_of({at.record("a")});
     },
     "s3link.MailMaybeSent"},
    {"credentials_error",
     [](FunctionFixture& at) {
       at.credentials.failures.push_back({ErrorKind::transient, "no answer", ""});
       return event_of({at.record("a")});
     },
     "s3link.CredentialsError"},
    {"ledger_error",
     [](FunctionFixture& at) {
       at.ledger.claim_failures.push_back({ErrorKind::transient, "no answer", ""});
       return event_of({at.record("a")});
     },
     "s3link.LedgerError"},
    {"sweep_needs_ledger",
     [](FunctionFixture& at) {
       at.with_ledger = false;
       return std::string(kScheduleEvent);
     },
     "s3link.SweepNeedsLedger"},
    {"sweep_failed",
     [](FunctionFixture& at) {
       at.listing.failures.push_back({ErrorKind::denied, "not allowed", "AccessDenied"});
       return std::string(kScheduleEvent);
     },
     "s3link.SweepFailed"},
    {"internal_error",
     [](FunctionFixture& at) {
       at.mail.before_send = [](const std::string&) { return break_down(); };
       return event_of({at.record("a")});
     },
     "s3link.InternalError"},
};
class EndTest : public LinkFunctionTest, public testing::WithParamInterface<EndCase> {};

TEST_P(EndTest, IsAnsweredLoggedCountedAndTraced) {
  const std::string event = GetParam().prepare(*this);
  const bool failed = !GetParam().want_type.empty();
  EXPECT_EQ(type_of(invoke(event)), GetParam().want_type);
  EXPECT_THAT(logger.lines.back(),
              AllOf(StartsWith("invocation ended request_id=req-1 trace_id=1-5759e988-bd862e3fe1be46a994272793"),
                    HasSubstr(" outcome=" + (failed ? GetParam().want_type : "done"))));
  EXPECT_THAT(logger.lines, Each(HasSubstr(" request_id=req-1 trace_id=1-5759e988-bd862e3fe1be46a994272793 ")));
  EXPECT_THAT(metrics.values, Contains(std::pair<std::string, double>("Failed", failed ? 1 : 0)));
  EXPECT_FALSE(traces.segments.empty());
  for (const auto& segment : traces.segments) {
    EXPECT_FALSE(segment.name.empty());
    EXPECT_NE(segment.start, Instant{});
  }
}

TEST_P(EndTest, KeepsSecretsToItself) {
  const std::string event = GetParam().prepare(*this);
  const auto answer = invoke(event);
  const std::string said = everything_said(*this) + (answer ? *answer : answer.error().message);
  for (const char* secret : {"secret0", "token0", "X-Amz-", "https://"}) EXPECT_THAT(said, Not(HasSubstr(secret)));
}

TEST_P(EndTest, LeavesTheFunctionReadyForTheNextEvent) {
  (void)invoke(GetParam().prepare(*this));
  mail.before_send = nullptr;
  time_left = 30s;
  EXPECT_EQ(invoke(event_of({record("next")}), "req-2"), counts(1, 0, 0));
}

INSTANTIATE_TEST_SUITE_P(Table, EndTest, testing::ValuesIn(kEndCases), [](const auto& row) { return row.param.name; });

TEST_F(LinkFunctionTest, CountsInMetrics) {
  recipients({"a@example.net", "b@example.net"});
  ASSERT_TRUE(invoke(event_of({record("known")})));
  metrics.values.clear();
  mail.before_send = [this](const std::string&) { return take_time(clock, 7ms); };
  auto folder = record("in/");
  folder.size_bytes = 0;
  mail.failures = {std::nullopt, std::nullopt, mail_failure(ErrorKind::denied, "MessageRejected"), std::nullopt};
  EXPECT_FALSE(invoke(event_of({record("known"), record("new"), folder, record("refused")}), "req-2"));
  const std::vector<std::pair<std::string, double>> want = {
      {"Delivered", 3}, {"Failed", 1}, {"Dropped", 1}, {"Duplicate", 2}, {"Duration", 28}};
  EXPECT_EQ(metrics.values, want);
  EXPECT_THAT(metrics.names.back(), testing::Pair("request_id", "req-2"));
  EXPECT_THAT(logger.lines.back(),
              HasSubstr("delivered=3 failed=1 dropped=1 duplicate=2 duration_ms=28 outcome=s3link.MailRefused"));
}

TEST_F(LinkFunctionTest, TracesThePartsOfItsWork) {
  ASSERT_TRUE(invoke(event_of({record("a"), record("b")})));
  std::vector<std::string> names;
  for (const auto& segment : traces.segments) names.push_back(segment.name);
  EXPECT_THAT(names, ElementsAre("parse", "record", "record"));
  ASSERT_EQ(traces.contexts.size(), 3U);
  EXPECT_EQ(trace::xray_text(traces.contexts[0].trace), kTraceId);
  EXPECT_EQ(trace::hex_text(traces.contexts[0].parent.value()), "53995c3f42cd8ad8");
  EXPECT_TRUE(traces.contexts[0].sampled);
}

struct TraceCase {
  std::string name, header;
  bool want_context, want_sampled;
};
const std::vector<TraceCase> kTraceCases = {
    {"sampled", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", true, true},
    {"not_sampled", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0", true, false},
    {"not_decided", "Root=1-5759e988-bd862e3fe1be46a994272793", true, false},
    {"none", "", false, false},
    {"no_header", "Root=1-x", false, false},
};
class TraceTest : public LinkFunctionTest, public testing::WithParamInterface<TraceCase> {};
TEST_P(TraceTest, HeaderDecidesWhatIsTracedAndNothingElse) {
  trace_header = GetParam().header;
  EXPECT_EQ(invoke(event_of({record("a")})), counts(1, 0, 0));
  EXPECT_EQ(traces.segments.empty(), !GetParam().want_sampled);
  EXPECT_EQ(logger.lines.at(0).contains("trace_id="), GetParam().want_context);
}
INSTANTIATE_TEST_SUITE_P(Table, TraceTest, testing::ValuesIn(kTraceCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::lambda
