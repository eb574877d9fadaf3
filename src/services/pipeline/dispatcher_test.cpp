#include "services/pipeline/dispatcher.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "core/base/encoding.hpp"
#include "core/event/event_record.hpp"
#include "core/sigv4/credentials.hpp"
#include "support/fake_bucket_store.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_ledger.hpp"
#include "support/fake_logger.hpp"
#include "support/fake_mail_sender.hpp"
#include "support/fake_outbox.hpp"
#include "support/fake_random.hpp"
#include "support/fake_trace_sink.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using test_support::run_sync;

const ports::SendFailure kBusy{{ErrorKind::transient, "451 4.7.1 try later", "451"}, ports::FailureScope::recipient};
const ports::SendFailure kRefused{{ErrorKind::denied, "550 5.1.1 no such user", "550"}, ports::FailureScope::recipient};

const ports::SendFailure kAway{{ErrorKind::transient, "connection refused", ""}, ports::FailureScope::relay};
const ports::SendFailure kSilent{{ErrorKind::transient, "no answer in time", ""}, ports::FailureScope::recipient};
const ports::SendFailure kLost{{ErrorKind::transient, "no answer", ""}, ports::FailureScope::message, true};

class DispatcherTest : public testing::Test {
 protected:
  DispatcherTest() {
    EXPECT_TRUE(run_sync(buckets_.create_bucket(kBucket, clock_.now())));
    recipients({"you@example.net"});
  }
  ~DispatcherTest() override { stop(); }

  static mail::Address address(const std::string& text) { return *mail::Address::parse(text); }

  void recipients(const std::vector<std::string>& list) {
    dispatcher_.reset();
    relay_ = std::make_unique<RelayGate>(policy_, sender_, clock_, random_, logger_);
    std::vector<mail::Address> parsed;
    for (const auto& text : list) parsed.push_back(address(text));
    mailer_ = std::make_unique<link::Mailer>(
        link::MailSettings{
            address("files@example.org"), "Files", parsed, mail::LinkTemplate::built_in(Language::en), {}, {}, rate_},
        *relay_, ledger_, clock_, random_);
  }

  void start() {
    dispatcher_ = std::make_unique<Dispatcher>(settings_, outbox_, buckets_, links_, *mailer_, *relay_, clock_, random_,
                                               logger_, traces_);
    ended_ = false;
    asio::co_spawn(io_, dispatcher_->run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  void stop() {
    if (!dispatcher_) return;
    dispatcher_->stop();
    settle();
    if (!ended_) pass(settings_.stop_grace);
    EXPECT_TRUE(ended_);
    dispatcher_.reset();
  }

  /// Runs whatever can run while time stands still.
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }

  /// Commits an object and its event, as the store does in one transaction.
  std::int64_t put(const std::string& key, const std::string& bytes = "hello", std::optional<Instant> removed_at = {},
                   const std::string& trace = {}) {
    auto body = run_sync(buckets_.create_body(bytes.size()));
    EXPECT_TRUE(run_sync((*body)->write(as_bytes(bytes))));
    EXPECT_TRUE(run_sync((*body)->finish()));
    const auto info = run_sync(buckets_.put_object({.bucket = kBucket,
                                                    .key = *s3::ObjectKey::parse(key),
                                                    .headers = {},
                                                    .checksum = {},
                                                    .modified = clock_.now(),
                                                    .removed_at = removed_at,
                                                    .event = {},
                                                    .condition = {}},
                                                   std::move(*body)));
    EXPECT_TRUE(info);
    return outbox_.add(event_of(*info), clock_.now(), trace);
  }
  std::string event_of(const ports::ObjectInfo& info) {
    return event::build_notification({.event_name = "ObjectCreated:Put",
                                      .time = info.modified,
                                      .region = "us-east-1",
                                      .principal = "AKIAEXAMPLE",
                                      .source_ip = "127.0.0.1",
                                      .request_id = "1",
                                      .bucket = info.bucket.text(),
                                      .key = info.key.text(),
                                      .size_bytes = info.size_bytes,
                                      .etag = info.etag,
                                      .version_id = "",
                                      .sequencer = info.sequencer});
  }
  void remove(const std::string& key) {
    EXPECT_TRUE(run_sync(buckets_.delete_objects(kBucket, {*s3::ObjectKey::parse(key)})));
  }
  bool logged(std::string_view beginning) const {
    return std::ranges::any_of(logger_.lines, [&](const auto& line) { return line.starts_with(beginning); });
  }

  const s3::BucketName kBucket = *s3::BucketName::parse("file-exchange");
  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  test_support::FakeLogger logger_;
  test_support::FakeTraceSink traces_;
  test_support::FakeOutbox outbox_;
  test_support::FakeLedger ledger_;
  test_support::FakeMailSender sender_;
  delivery::RelayPolicy policy_{.max_connections = 4, .first_pause = 1s, .max_pause = 5min};
  std::unique_ptr<RelayGate> relay_;
  test_support::FakeBucketStore buckets_{clock_};
  sigv4::Credentials credentials_{"AKIAEXAMPLE", Secret("secret"), {}};
  link::LinkGenerator links_{{"https://files.example.org", "us-east-1", 5h}, credentials_};
  std::optional<mail::Rate> rate_;
  std::unique_ptr<link::Mailer> mailer_;
  DispatcherSettings settings_{.retry = {.max_attempts = 3, .first_retry = 1s, .max_retry = 120s}, .concurrency = 4};
  std::unique_ptr<Dispatcher> dispatcher_;
  bool ended_ = false;
};

TEST_F(DispatcherTest, CommitIsDeliveredAtOnce) {
  start();
  const auto id = put("reports/Q3.pdf");
  settle();  // time stands still: the commit woke it, not the clock
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  ASSERT_EQ(sender_.sent.size(), 1U);
  ASSERT_EQ(ledger_.entries.size(), 1U);
  EXPECT_EQ(ledger_.entries[0].deadline, clock_.now() + 5h);
  EXPECT_EQ(
      logger_.lines,
      std::vector{"delivery sent event_id=1 bucket=file-exchange key=reports/Q3.pdf recipient=you@example.net "
                  "message_id=" +
                  sender_.sent[0].message_id + " deadline=2026-01-02T08:04:05.000Z attempt=1 reply=250 2.0.0 fake-1"});
}

constexpr const char* kTrace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

std::string value_of(const std::vector<std::pair<std::string, std::string>>& entries, std::string_view name) {
  const auto found = std::ranges::find(entries, name, [](const auto& entry) { return std::string_view(entry.first); });
  return found == entries.end() ? "(none)" : found->second;
}

std::vector<std::string> names_of(const std::vector<trace::Segment>& segments) {
  std::vector<std::string> out;
  for (const auto& segment : segments) out.push_back(segment.name);
  return out;
}

TEST_F(DispatcherTest, AnAttemptIsASegmentOfTheRequestsTrace) {
  const auto id = put("a", "hello", {}, kTrace);
  clock_.advance(3s);
  start();
  ASSERT_EQ(outbox_.row(id).state, "delivered");
  ASSERT_EQ(traces_.segments.size(), 1U);
  EXPECT_EQ(traces_.contexts[0], *trace::parse_xray_header(kTrace, false)) << "caused by the request";
  const auto& segment = traces_.segments[0];
  EXPECT_EQ(segment.name, "LinkGenerator");
  EXPECT_EQ(segment.role, trace::Role::consumer);
  EXPECT_FALSE(segment.fault || segment.error);
  EXPECT_EQ(names_of(segment.children), (std::vector<std::string>{"outbox wait", "sign", "render", "relay"}));
  EXPECT_EQ(segment.start, clock_.now() - 3s) << "from when the event was due";
  EXPECT_EQ(segment.children[0].end - segment.children[0].start, 3s);
  EXPECT_EQ(value_of(segment.annotations, "attempt"), "1");
  EXPECT_EQ(value_of(segment.annotations, "recipients"), "1");
  EXPECT_EQ(value_of(segment.annotations, "outcome"), "delivered");
  EXPECT_EQ(value_of(segment.children[3].metadata, "reply"), "250 2.0.0 fake-1");
  EXPECT_TRUE(
      sender_.sent[0].rfc5322.reveal().contains("X-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n"));
  EXPECT_TRUE(logger_.lines.back().ends_with(" trace_id=1-5759e988-bd862e3fe1be46a994272793")) << logger_.lines.back();
}

TEST_F(DispatcherTest, ARetryIsAnotherSegmentOfTheSameTrace) {
  sender_.failures_of["you@example.net"] = {kBusy, kRefused};
  start();
  const auto id = put("a", "hello", {}, kTrace);
  settle();
  pass(2s);
  ASSERT_EQ(outbox_.row(id).state, "dead");
  ASSERT_EQ(traces_.segments.size(), 2U);
  EXPECT_EQ(traces_.contexts[0], traces_.contexts[1]);
  EXPECT_EQ(value_of(traces_.segments[0].annotations, "outcome"), "retry");
  EXPECT_EQ(value_of(traces_.segments[1].annotations, "attempt"), "2");
  EXPECT_EQ(value_of(traces_.segments[1].annotations, "outcome"), "dead");
  EXPECT_TRUE(traces_.segments[0].fault);
  EXPECT_EQ(traces_.segments[0].cause->type, "transient");
  EXPECT_EQ(traces_.segments[1].cause->type, "denied");
  EXPECT_GT(traces_.segments[1].start, traces_.segments[0].end) << "the wait for the retry is no wait in the outbox";
  EXPECT_TRUE(
      logged("delivery failed event_id=1 bucket=file-exchange key=a attempt=1 "
             "trace_id=1-5759e988-bd862e3fe1be46a994272793"));
}

TEST_F(DispatcherTest, DropsAreTracedAndPostponedDuplicatesAreNot) {
  const auto first = put("a", "hello", {}, kTrace);
  outbox_.add(outbox_.row(first).entry.event_json, clock_.now(), kTrace);
  put("folder/", "", {}, kTrace);
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 1s); };
  start();
  ASSERT_EQ(traces_.segments.size(), 1U) << "the mail is on its way, its duplicate waits";
  EXPECT_EQ(value_of(traces_.segments[0].annotations, "outcome"), "dropped");
  EXPECT_EQ(value_of(traces_.segments[0].metadata, "rule"), "folder_marker");
}

TEST_F(DispatcherTest, WithoutATraceOrUnrecordedNothingIsReported) {
  put("none");
  put("nonsense", "hello", {}, "Root=?");
  put("unrecorded", "hello", {}, "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0");
  start();
  ASSERT_EQ(sender_.sent.size(), 3U);
  EXPECT_TRUE(traces_.segments.empty());
  EXPECT_FALSE(sender_.sent[1].rfc5322.reveal().contains("Trace"));
  EXPECT_TRUE(sender_.sent[2].rfc5322.reveal().contains("Trace")) << "the id leads to the log all the same";
}

TEST_F(DispatcherTest, WhatWasCommittedBeforeTheStartIsDelivered) {
  const auto id = put("a");
  start();
  EXPECT_EQ(outbox_.row(id).state, "delivered");
}

TEST_F(DispatcherTest, TransientFailureIsRetried) {
  sender_.failures_of["you@example.net"] = {kBusy, kBusy};
  start();
  const auto id = put("a");
  settle();
  for (const auto longest : {1'000ms, 2'000ms}) {
    const auto& row = outbox_.row(id);
    EXPECT_EQ(row.state, "pending");
    EXPECT_EQ(row.reason->kind, "transient");
    EXPECT_EQ(row.reason->message, "you@example.net: 451 4.7.1 try later");
    const auto wait = row.due - clock_.now();
    EXPECT_GE(wait, longest / 2);
    EXPECT_LE(wait, longest);
    const auto tried = sender_.tried.size();
    pass(wait - 1ms);
    EXPECT_EQ(sender_.tried.size(), tried) << "too early";
    pass(1ms + 5ms);
    EXPECT_EQ(sender_.tried.size(), tried + 1) << "too late";
  }
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  EXPECT_EQ(outbox_.row(id).entry.attempts, 2U);
  EXPECT_EQ(sender_.sent.size(), 1U);
  EXPECT_EQ(std::ranges::count(sender_.tried, sender_.tried[0]), 3) << "another Message-ID";
  EXPECT_TRUE(
      logged("delivery failed event_id=1 bucket=file-exchange key=a attempt=1 reason=transient "
             "detail=you@example.net: 451 4.7.1 try later next_attempt="));
}

TEST_F(DispatcherTest, LastAttemptMakesADeadLetter) {
  sender_.failures_of["you@example.net"] = {kBusy, kBusy, kBusy, kBusy};
  start();
  const auto id = put("a");
  settle();
  pass(10s);
  pass(10s);
  EXPECT_EQ(outbox_.row(id).state, "dead");
  EXPECT_EQ(outbox_.row(id).entry.attempts, 3U);
  EXPECT_EQ(outbox_.row(id).reason->kind, "transient");
  pass(24h);
  EXPECT_EQ(sender_.tried.size(), 3U);
}

TEST_F(DispatcherTest, PermanentFailureIsDeadAtOnce) {
  sender_.failures_of["you@example.net"] = {kRefused};
  start();
  const auto id = put("a");
  settle();
  EXPECT_EQ(outbox_.row(id).state, "dead");
  EXPECT_EQ(outbox_.row(id).reason->kind, "denied");
  EXPECT_EQ(outbox_.row(id).reason->message, "you@example.net: 550 5.1.1 no such user");
  EXPECT_EQ(outbox_.row(id).reason->recipient, "you@example.net");
  EXPECT_EQ(outbox_.row(id).reason->reply, "550 5.1.1 no such user");
  EXPECT_TRUE(logged("delivery given up event_id=1 bucket=file-exchange key=a attempt=1 reason=denied"));
}

TEST_F(DispatcherTest, OnlyTheRecipientThatFailedIsRetried) {
  recipients({"a@example.net", "b@example.net"});
  sender_.failures_of["a@example.net"] = {kBusy};
  start();
  const auto id = put("k");
  settle();
  EXPECT_EQ(outbox_.row(id).state, "pending");
  ASSERT_EQ(sender_.sent.size(), 1U);
  EXPECT_EQ(sender_.sent[0].envelope_to, "b@example.net");
  pass(2s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  ASSERT_EQ(sender_.sent.size(), 2U);
  EXPECT_EQ(sender_.sent[1].envelope_to, "a@example.net");
}

TEST_F(DispatcherTest, RefusalOfOneDoesNotEndTheOthersRetries) {
  recipients({"a@example.net", "b@example.net", "c@example.net"});
  sender_.failures_of["a@example.net"] = {kRefused};
  sender_.failures_of["b@example.net"] = {kBusy, kBusy};
  start();
  const auto id = put("k");
  settle();
  EXPECT_EQ(outbox_.row(id).state, "pending");
  EXPECT_EQ(sender_.sent.size(), 1U) << "c";
  pass(2s);
  pass(4s);
  EXPECT_EQ(outbox_.row(id).state, "dead");
  EXPECT_EQ(outbox_.row(id).reason->message, "a@example.net: 550 5.1.1 no such user");
  EXPECT_EQ(outbox_.row(id).reason->recipient, "a@example.net");
  ASSERT_EQ(sender_.sent.size(), 2U);
  EXPECT_EQ(sender_.sent[1].envelope_to, "b@example.net");
  EXPECT_EQ(sender_.tried.size(), 5U) << "the refused one is tried once";
}

TEST_F(DispatcherTest, ARelayThatIsAwayIsNoAttempt) {
  sender_.failures_of["you@example.net"] = std::deque<ports::SendFailure>(8, kAway);
  start();
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 20; ++i) ids.push_back(put("k" + std::to_string(i)));
  settle();
  const auto first = sender_.tried.size();
  EXPECT_LE(first, 4U) << "what was under way at once";
  pass(1s);
  EXPECT_EQ(sender_.tried.size(), first + 1) << "one probe";
  for (int i = 0; i < 8; ++i) pass(5min);
  for (const auto id : ids) {
    EXPECT_EQ(outbox_.row(id).state, "delivered") << id;
    EXPECT_EQ(outbox_.row(id).entry.attempts, 0U) << id;
  }
  EXPECT_EQ(sender_.sent.size(), 20U);
  EXPECT_TRUE(logged("relay paused")) << "once";
  EXPECT_EQ(std::ranges::count_if(logger_.lines, [](const auto& line) { return line.starts_with("relay "); }), 2);
  EXPECT_EQ(logger_.lines.size(), 22U) << "no line for each mail that waits";
}

TEST_F(DispatcherTest, ARelayThatIsAwayForTooLongMakesDeadLetters) {
  settings_.retry.give_up_after = 1h;
  sender_.failures_of["you@example.net"] = std::deque<ports::SendFailure>(1000, kAway);
  start();
  const auto first = put("first");
  const auto second = put("second");
  const auto expires = put("expires", "x", clock_.now() + 24min);
  settle();
  outbox_.rows[static_cast<std::size_t>(expires) - 1].removal = clock_.now() + 24min;
  for (int i = 0; i < 22; ++i) pass(1min);
  EXPECT_EQ(outbox_.row(expires).state, "pending");
  pass(1min);
  EXPECT_EQ(outbox_.row(expires).state, "dead") << "while it can still be redriven";
  EXPECT_EQ(outbox_.row(expires).reason->kind, "relay_unavailable");
  EXPECT_EQ(outbox_.row(expires).removal, clock_.now() + 1min);
  for (int i = 0; i < 38; ++i) pass(1min);
  EXPECT_EQ(outbox_.row(first).state, "dead");
  EXPECT_EQ(outbox_.row(second).state, "dead");
  EXPECT_EQ(outbox_.row(second).reason->kind, "relay_unavailable");
  EXPECT_EQ(outbox_.row(second).reason->message, "you@example.net: connection refused");
}

TEST_F(DispatcherTest, AnEventIsTriedUntilItsTimeIsOver) {
  settings_.retry = {.max_attempts = 0, .first_retry = 1s, .max_retry = 5min, .give_up_after = 1h};
  sender_.failures_of["you@example.net"] = std::deque<ports::SendFailure>(100, kBusy);
  start();
  const auto id = put("a");
  settle();
  for (int i = 0; i < 59; ++i) pass(1min);
  EXPECT_EQ(outbox_.row(id).state, "pending");
  EXPECT_GT(outbox_.row(id).entry.attempts, 15U);
  pass(61s);
  EXPECT_EQ(outbox_.row(id).state, "dead");
}

TEST_F(DispatcherTest, WhatMayHaveBeenTakenWaitsAndIsMarked) {
  sender_.failures_of["you@example.net"] = {kLost};
  start();
  const auto id = put("a");
  settle();
  EXPECT_EQ(outbox_.row(id).reason->kind, "unconfirmed");
  pass(10min - 1s);
  EXPECT_EQ(sender_.tried.size(), 1U);
  pass(2s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  EXPECT_EQ(sender_.tried[0], sender_.tried[1]) << "the same Message-ID";
  EXPECT_TRUE(logger_.lines.back().ends_with(" repeat=may have been taken before")) << logger_.lines.back();
}

TEST_F(DispatcherTest, OneKeyMailsARecipientSoOftenAndThenItsNewestVersion) {
  rate_ = mail::Rate{3, 1h};
  settings_.longest_hold = rate_->per;
  recipients({"you@example.net"});
  start();
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(put("bomb", std::string(static_cast<std::size_t>(i) + 1, 'x')));
    settle();
    pass(1min);
  }
  const auto other = put("another key");
  settle();
  EXPECT_EQ(outbox_.row(other).state, "delivered") << "the limit is a key's";
  EXPECT_EQ(sender_.sent.size(), 3U + 1U);
  stop();
  outbox_.release_claims();
  start();  // the ledger remembers
  pass(50min);
  EXPECT_EQ(sender_.sent.size(), 4U);
  pass(5min);
  EXPECT_EQ(sender_.sent.size(), 5U);
  EXPECT_EQ(outbox_.row(ids[5]).state, "delivered") << "the newest";
  EXPECT_EQ(outbox_.row(ids[5]).entry.attempts, 0U);
  for (const auto id : {ids[3], ids[4]}) {
    EXPECT_EQ(outbox_.row(id).state, "dropped");
    EXPECT_EQ(outbox_.row(id).reason->kind, "replaced");
  }
}

TEST_F(DispatcherTest, AnEmptyObjectWaitsForItsContent) {
  start();
  const auto empty = put("report.pdf", "");
  settle();
  pass(1s);
  const auto full = put("report.pdf", "content");
  settle();
  EXPECT_EQ(outbox_.row(full).state, "delivered");
  pass(9s);
  EXPECT_EQ(outbox_.row(empty).state, "dropped");
  EXPECT_EQ(outbox_.row(empty).reason->kind, "replaced");
  EXPECT_EQ(sender_.sent.size(), 1U);
  const auto stays = put("stays empty", "");
  settle();
  pass(9s);
  EXPECT_EQ(outbox_.row(stays).state, "pending");
  pass(1s);
  EXPECT_EQ(outbox_.row(stays).state, "delivered");
  EXPECT_EQ(outbox_.row(stays).entry.attempts, 0U);
}

TEST_F(DispatcherTest, CrashBetweenSendAndLedgerRepeatsTheSameMessageId) {
  ledger_.record_failures = {{ErrorKind::internal, "the process died here", ""}};
  start();
  const auto id = put("a");
  settle();
  pass(2s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  ASSERT_EQ(sender_.sent.size(), 2U);
  EXPECT_EQ(sender_.sent[0].message_id, sender_.sent[1].message_id);
  EXPECT_EQ(ledger_.entries.size(), 1U);
}

TEST_F(DispatcherTest, CrashAfterTheLedgerRepeatsNothing) {
  outbox_.settle_failures = {{ErrorKind::internal, "the process died here", ""}};
  start();
  const auto id = put("a");
  settle();
  EXPECT_EQ(outbox_.row(id).state, "pending");
  stop();
  remove("a");  // what became of the object does not matter any more
  outbox_.release_claims();
  start();
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  EXPECT_EQ(sender_.sent.size(), 1U);
}

TEST_F(DispatcherTest, OutcomeThatCannotBeRecordedIsSettledAfterTheLease) {
  outbox_.settle_failures = {{ErrorKind::transient, "disk full", ""}};
  start();
  const auto id = put("a");
  settle();
  EXPECT_TRUE(logged("outcome of a delivery not recorded event_id=1"));
  pass(settings_.lease + 10ms);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  EXPECT_EQ(sender_.sent.size(), 1U);
}

TEST_F(DispatcherTest, NothingIsSentWhileItsOutcomeCannotBeRecorded) {
  buckets_.unwritable = Error{ErrorKind::transient, "no space left in the data folder", ""};
  start();
  const auto id = put("a");
  settle();
  EXPECT_TRUE(sender_.tried.empty());
  buckets_.unwritable.reset();
  pass(1s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
}

TEST_F(DispatcherTest, ADiskThatFillsUpBetweenMailAndRecordRepeatsNone) {
  ledger_.record_failures = {5, Error{ErrorKind::transient, "disk full", ""}};
  start();
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(put("k" + std::to_string(i)));
  settle();
  EXPECT_EQ(sender_.sent.size(), 4U) << "those that are not recorded hold their places";
  for (int i = 0; i < 5; ++i) pass(1min);
  for (const auto id : ids) EXPECT_EQ(outbox_.row(id).state, "delivered") << id;
  EXPECT_EQ(sender_.sent.size(), 10U);
}

TEST_F(DispatcherTest, StalledDeliveryDelaysNoOther) {
  sender_.before_send = [this, first = true](std::string) mutable -> Awaitable<void> {
    if (!std::exchange(first, false)) return clock_.sleep_until(clock_.now());
    return clock_.sleep_until(clock_.now() + 60s);
  };
  start();
  const auto slow = put("slow");
  settle();
  std::vector<std::int64_t> quick;
  for (int i = 0; i < 20; ++i) quick.push_back(put("quick" + std::to_string(i)));
  settle();
  for (const auto id : quick) EXPECT_EQ(outbox_.row(id).state, "delivered");
  EXPECT_EQ(outbox_.row(slow).state, "pending");
  pass(60s);
  EXPECT_EQ(outbox_.row(slow).state, "delivered");
}

TEST_F(DispatcherTest, FailingEventDelaysNoOther) {
  recipients({"you@example.net"});
  sender_.failures_of["you@example.net"] = {kBusy};
  start();
  const auto failing = put("failing");
  const auto next = put("next");
  settle();
  EXPECT_EQ(outbox_.row(failing).state, "pending");
  EXPECT_EQ(outbox_.row(next).state, "delivered");
}

TEST_F(DispatcherTest, HangingRetriesDelayNoNewEvent) {
  settings_.retry.max_attempts = 1000;
  sender_.failures_of["you@example.net"] = std::deque<ports::SendFailure>(50, kBusy);
  start();
  for (int i = 0; i < 50; ++i) put("failing" + std::to_string(i));
  settle();
  // From here on every retry hangs for longer than the test lasts.
  bool hangs = true;
  sender_.before_send = [&](std::string) { return clock_.sleep_until(clock_.now() + (hangs ? 24h : 0h)); };
  pass(2s);
  EXPECT_EQ(sender_.tried.size(), 50U + 3U) << "all slots but the one kept free";
  hangs = false;
  for (int i = 0; i < 20; ++i) {
    const auto fresh = put("fresh" + std::to_string(i));
    settle();
    EXPECT_EQ(outbox_.row(fresh).state, "delivered") << i;
  }
}

TEST_F(DispatcherTest, NewEventsDelayNoRetry) {
  sender_.failures_of["you@example.net"] = {kBusy};
  start();
  const auto failing = put("failing");
  settle();
  clock_.advance(2s);  // due again, and not looked at yet
  for (int i = 0; i < 50; ++i) put("fresh" + std::to_string(i));
  std::size_t before = 0;
  sender_.before_send = [&](std::string) -> Awaitable<void> {
    if (outbox_.row(failing).state == "pending") ++before;
    co_return;
  };
  settle();
  EXPECT_EQ(outbox_.row(failing).state, "delivered");
  EXPECT_LE(before, 2 * settings_.concurrency);
}

TEST_F(DispatcherTest, OneSlotIsSharedByTurns) {
  settings_.concurrency = 1;
  settings_.retry.max_attempts = 1000;
  sender_.failures_of["you@example.net"] = std::deque<ports::SendFailure>(3, kBusy);
  start();
  std::vector<std::int64_t> failing;
  for (int i = 0; i < 3; ++i) failing.push_back(put("failing" + std::to_string(i)));
  settle();
  clock_.advance(2s);
  std::vector<std::int64_t> fresh;
  for (int i = 0; i < 3; ++i) fresh.push_back(put("fresh" + std::to_string(i)));
  std::string order;
  sender_.before_send = [&](std::string) -> Awaitable<void> {
    const auto done = [&](const std::vector<std::int64_t>& ids) {
      return std::ranges::count(ids, "delivered", [&](auto id) { return outbox_.row(id).state; });
    };
    order += std::to_string(done(failing)) + std::to_string(done(fresh)) + " ";
    co_return;
  };
  settle();
  pass(2s);
  EXPECT_EQ(order, "00 10 11 21 22 32 ");  // delivered so far, of the failed and of the fresh
}

TEST_F(DispatcherTest, DuplicatesOfAnEventAreOneMail) {
  const auto first = put("a");
  const std::string event = outbox_.row(first).entry.event_json;
  std::vector<std::int64_t> all = {first};
  for (int i = 0; i < 5; ++i) all.push_back(outbox_.add(event, clock_.now()));
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 10s); };
  start();
  EXPECT_EQ(sender_.tried.size(), 1U);
  for (int i = 0; i < 20; ++i) pass(1s);
  for (const auto id : all) {
    EXPECT_EQ(outbox_.row(id).state, "delivered");
    EXPECT_EQ(outbox_.row(id).entry.attempts, 0U) << "waiting is no attempt";
  }
  EXPECT_EQ(sender_.tried.size(), 1U);
}

TEST_F(DispatcherTest, AtMostConcurrencyAtATime) {
  int at_once = 0;
  int most = 0;
  struct Count {
    int& at_once;
    explicit Count(int& a, int& m) : at_once(a) { m = std::max(m, ++at_once); }
    ~Count() { --at_once; }
  };
  struct Wait {
    static Awaitable<void> while_counting(test_support::FakeClock& clock, int& at_once, int& most) {
      const Count count(at_once, most);
      co_await clock.sleep_until(clock.now() + 1s);
    }
  };
  sender_.before_send = [&](std::string) { return Wait::while_counting(clock_, at_once, most); };
  start();
  for (int i = 0; i < 10; ++i) put("k" + std::to_string(i));
  settle();
  EXPECT_EQ(at_once, 4);
  for (int i = 0; i < 3; ++i) pass(1s);
  EXPECT_EQ(most, 4);
  EXPECT_EQ(sender_.sent.size(), 10U);
}

TEST_F(DispatcherTest, DeliveryThatOutlastsItsLeaseIsNotStartedTwice) {
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 3 * settings_.lease); };
  start();
  const auto id = put("a");
  settle();
  for (int i = 0; i < 6; ++i) pass(settings_.lease / 2 + 10ms);
  EXPECT_EQ(sender_.tried.size(), 1U);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
}

TEST_F(DispatcherTest, ClockThatWasAheadHoldsUpNoMail) {
  clock_.advance(400 * 24h);
  sender_.failures_of["you@example.net"] = {kBusy};
  start();
  const auto failed = put("failed");
  settle();
  ASSERT_EQ(sender_.tried.size(), 1U);
  stop();
  const auto fresh = put("fresh");
  clock_.advance(-400 * 24h);
  start();
  EXPECT_EQ(outbox_.row(failed).state, "delivered");
  EXPECT_EQ(outbox_.row(fresh).state, "delivered");
  EXPECT_TRUE(logged("mails due later than any wait are tried now count=2"));
}

TEST_F(DispatcherTest, ClockThatIsSetBackWhileNothingRunsIsNoticedAtTheNextLook) {
  sender_.failures_of["you@example.net"] = {kBusy};
  start();
  const auto failed = put("failed");
  settle();
  clock_.advance(-24h);
  settle();
  const auto fresh = put("fresh");  // any look will do
  settle();
  EXPECT_EQ(outbox_.row(failed).state, "delivered");
  EXPECT_EQ(outbox_.row(fresh).state, "delivered");
}

TEST_F(DispatcherTest, OneStalledRecipientHoldsUpNobody) {
  policy_.recipients = 20;
  std::vector<std::string> all;
  for (int i = 0; i < 20; ++i) all.push_back("r" + std::to_string(i) + "@example.net");
  recipients(all);
  bool stalls = true;
  sender_.before_send = [&](std::string recipient) {
    return clock_.sleep_until(clock_.now() + (stalls && recipient == "r7@example.net" ? 5min : 0min));
  };
  sender_.failures_of["r7@example.net"] = {kSilent};
  start();
  for (int i = 0; i < 38; ++i) put("k" + std::to_string(i));
  settle();
  for (int i = 0; i < 60; ++i) pass(1s);
  EXPECT_EQ(sender_.sent.size(), 38U * 19U) << "all others have theirs within a minute";
  EXPECT_EQ(outbox_.row(38).entry.attempts, 0U) << "it was not tried";
  for (int i = 0; i < 60; ++i) pass(15s);
  EXPECT_LE(sender_.tried.size(), 38U * 19U + 4U) << "and is left alone for a while";
  stalls = false;
  for (int i = 0; i < 60; ++i) pass(15s);
  EXPECT_EQ(sender_.sent.size(), 38U * 20U);
  EXPECT_EQ(ledger_.entries.size(), 38U * 20U);
  for (int i = 1; i <= 38; ++i) EXPECT_EQ(outbox_.row(i).state, "delivered") << i;
  EXPECT_EQ(relay_->status().phase, delivery::RelayPhase::open);
}

TEST_F(DispatcherTest, ManyStalledRecipientsHoldUpNobodyForLong) {
  policy_.recipients = 20;
  std::vector<std::string> all;
  for (int i = 0; i < 20; ++i) all.push_back((i < 8 ? "bad" : "good") + std::to_string(i) + "@example.net");
  recipients(all);
  sender_.before_send = [&](std::string recipient) {
    return clock_.sleep_until(clock_.now() + (recipient.starts_with("bad") ? 5min : 0min));
  };
  for (int i = 0; i < 8; ++i) sender_.failures_of["bad" + std::to_string(i) + "@example.net"] = {1'000, kSilent};
  start();
  for (int i = 0; i < 20; ++i) put("first" + std::to_string(i));
  settle();
  // Eight of whom nothing is known yet, and four connections: twice five minutes.
  for (int i = 0; i < 66; ++i) pass(10s);
  EXPECT_EQ(sender_.sent.size(), 20U * 12U);
  for (int i = 0; i < 20; ++i) put("second" + std::to_string(i));
  settle();
  for (int i = 0; i < 12; ++i) pass(10s);
  EXPECT_EQ(sender_.sent.size(), 40U * 12U) << "they have but half of the connections";
}

TEST_F(DispatcherTest, AnotherRecipientOfTheEventIsNotWaitedFor) {
  policy_.recipients = 2;
  recipients({"a@example.net", "b@example.net"});
  sender_.before_send = [&](std::string recipient) {
    return clock_.sleep_until(clock_.now() + (recipient == "a@example.net" ? 60s : 0s));
  };
  start();
  const auto id = put("k");
  settle();
  ASSERT_EQ(sender_.sent.size(), 1U);
  EXPECT_EQ(sender_.sent[0].envelope_to, "b@example.net");
  EXPECT_EQ(outbox_.row(id).state, "pending");
  pass(60s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
}

TEST_F(DispatcherTest, FaultsOfOurOwnUseUpNoAttempt) {
  const ports::SendFailure ours{{ErrorKind::transient, "no thread to send mail", ""}, ports::FailureScope::ours};
  sender_.failures_of["you@example.net"] = {ours, ours, ours, kLost, kLost};
  buckets_.failures["head_object"] = std::deque<Error>(4, {ErrorKind::transient, "no descriptors", ""});
  ledger_.contains_failures = std::deque<Error>(4, {ErrorKind::internal, "I/O error", ""});
  start();
  const auto id = put("a");
  settle();
  EXPECT_EQ(outbox_.row(id).reason->message, "I/O error") << "the reason is kept";
  for (int i = 0; i < 60; ++i) pass(1min);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  EXPECT_EQ(outbox_.row(id).entry.attempts, 0U);
  EXPECT_EQ(outbox_.row(id).history.size(), 4U + 4U + 5U);
}

TEST_F(DispatcherTest, AnExceptionIsNoAttempt) {
  sender_.before_send = [first = true](std::string) mutable -> Awaitable<void> {
    if (std::exchange(first, false)) throw std::runtime_error("a bug");
    co_return;
  };
  start();
  const auto id = put("a");
  const auto other = put("b");
  settle();
  EXPECT_EQ(outbox_.row(id).state, "pending");
  EXPECT_EQ(outbox_.row(id).entry.attempts, 0U);
  EXPECT_EQ(outbox_.row(id).reason->kind, "internal");
  EXPECT_EQ(outbox_.row(id).reason->message, "unexpected: a bug");
  EXPECT_EQ(outbox_.row(other).state, "delivered");
}

TEST_F(DispatcherTest, OutcomesAreTalliedOnceTheyAreRecorded) {
  settings_.retry.max_attempts = 2;
  sender_.failures_of["you@example.net"] = {kBusy, kBusy, kRefused};
  start();
  const DeliveryTally& tally = dispatcher_->tally();
  put("fails twice");
  settle();
  EXPECT_EQ(tally.retried, 1U);
  pass(settings_.retry.max_retry);
  EXPECT_EQ(tally.dead, 1U);
  put("refused");
  settle();
  EXPECT_EQ(tally.dead, 2U);
  put("folder/", "");
  settle();
  EXPECT_EQ(tally.dropped, 1U);
  outbox_.settle_failures = {{ErrorKind::transient, "disk full", ""}};
  put("delivered at the second attempt to record it");
  settle();
  EXPECT_EQ(tally.unrecorded, 1U);
  EXPECT_EQ(tally.delivered, 0U);
  pass(settings_.lease + 10ms);
  EXPECT_EQ(tally.delivered, 1U);
  EXPECT_EQ(tally.retried, 1U);
  EXPECT_EQ(tally.dead, 2U);
}

TEST_F(DispatcherTest, GoneObjectsAreDropped) {
  const auto removed = put("removed");
  remove("removed");
  const auto replaced = put("replaced", "one");
  const auto newer = put("replaced", "two");
  const auto expired = put("expired", "x", clock_.now() + 1h);
  const auto in_a_moment = put("in a moment", "x", clock_.now() + 1h + 500ms);
  clock_.advance(1h);
  start();
  for (const auto id : {removed, expired, in_a_moment}) {
    EXPECT_EQ(outbox_.row(id).state, "dropped") << id;
    EXPECT_EQ(outbox_.row(id).reason->kind, "object_gone");
  }
  EXPECT_EQ(outbox_.row(replaced).state, "dropped");
  EXPECT_EQ(outbox_.row(replaced).reason->kind, "replaced");
  EXPECT_EQ(outbox_.row(newer).state, "delivered");
  EXPECT_EQ(sender_.sent.size(), 1U);
}

TEST_F(DispatcherTest, NothingIsBegunWhileTheClockIsBehind) {
  delivery::ClockStatus status{.mail_waits = true};
  settings_.clock = [&] { return status; };
  const auto id = put("a");
  start();
  pass(1h);
  EXPECT_EQ(outbox_.row(id).state, "pending");
  EXPECT_TRUE(sender_.tried.empty());
  status.mail_waits = false;
  pass(5s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
  EXPECT_TRUE(logger_.lines.size() == 1 && logged("delivery sent"));
}

TEST_F(DispatcherTest, AJumpAheadEndsNoEvent) {
  sender_.failures_of["you@example.net"] = {kBusy};
  Instant::duration doubted = std::chrono::days(10);
  settings_.clock = [&] {
    return delivery::ClockStatus{
        .removal_waits = doubted > 0ms, .wall = clock_.now(), .removal = clock_.now() - doubted};
  };
  const auto busy = put("busy", "x", clock_.now() + std::chrono::days(20));
  const auto expired = put("expired", "x", clock_.now() + 1h);
  clock_.step(std::chrono::days(10));
  start();
  EXPECT_EQ(outbox_.row(busy).state, "pending") << "ten days are more than an event is tried";
  EXPECT_EQ(outbox_.row(expired).state, "pending") << "its object is gone by that clock alone";
  pass(10min);
  EXPECT_EQ(outbox_.row(busy).state, "delivered");
  EXPECT_EQ(outbox_.row(expired).state, "pending");
  doubted = 0ms;
  pass(1min);
  EXPECT_EQ(outbox_.row(expired).state, "dropped");
}

TEST_F(DispatcherTest, RulesDropOrBury) {
  start();
  const auto folder = put("folder/", "");
  const auto test_event = outbox_.add(R"({"Event":"s3:TestEvent"})", clock_.now());
  const auto unlinkable = put("a/../b");
  const auto unreadable = outbox_.add("{", clock_.now());
  const auto empty = outbox_.add(R"({"Records":[]})", clock_.now());
  settle();
  EXPECT_EQ(outbox_.row(folder).state, "dropped");
  EXPECT_EQ(outbox_.row(folder).reason->kind, "folder_marker");
  EXPECT_EQ(outbox_.row(test_event).state, "dropped");
  EXPECT_EQ(outbox_.row(test_event).reason->kind, "test_event");
  EXPECT_EQ(outbox_.row(unlinkable).state, "dead");
  EXPECT_EQ(outbox_.row(unlinkable).reason->kind, "unlinkable_key");
  EXPECT_EQ(outbox_.row(unreadable).state, "dead");
  EXPECT_EQ(outbox_.row(unreadable).reason->kind, "invalid_argument");
  EXPECT_EQ(outbox_.row(empty).state, "dead");
  EXPECT_TRUE(sender_.tried.empty());
}

TEST_F(DispatcherTest, ErrorsOfTheStoreAreRetried) {
  buckets_.failures["head_object"] = {{ErrorKind::internal, "I/O error", ""}};
  buckets_.failures["object_sha256"] = {{ErrorKind::transient, "busy", ""}};
  start();
  const auto id = put("a");
  settle();
  EXPECT_EQ(outbox_.row(id).reason->message, "I/O error");
  EXPECT_EQ(outbox_.row(id).reason->recipient, "");
  pass(2s);
  EXPECT_EQ(outbox_.row(id).reason->message, "busy");
  pass(4s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
}

TEST_F(DispatcherTest, OutboxThatFailsIsLookedAtAgain) {
  outbox_.take_failures = {{ErrorKind::transient, "busy", ""}, {ErrorKind::transient, "busy", ""}};
  start();
  const auto id = put("a");
  settle();
  EXPECT_EQ(outbox_.take_failures.size(), 1U) << "woken, but no sooner than the backoff says";
  pass(1s);
  EXPECT_TRUE(outbox_.take_failures.empty());
  pass(2s);
  EXPECT_EQ(outbox_.row(id).state, "delivered");
}

TEST_F(DispatcherTest, StopLetsRunningDeliveriesFinishAndTakesNothingNew) {
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 2s); };
  start();
  const auto running = put("running");
  settle();
  dispatcher_->stop();
  settle();
  const auto later = put("later");
  settle();
  EXPECT_FALSE(ended_);
  pass(2s);
  EXPECT_TRUE(ended_);
  EXPECT_EQ(outbox_.row(running).state, "delivered");
  EXPECT_EQ(outbox_.row(later).state, "pending");
  EXPECT_EQ(sender_.tried.size(), 1U);
}

TEST_F(DispatcherTest, StopIsBounded) {
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 24h); };
  start();
  const auto id = put("stuck");
  settle();
  dispatcher_->stop();
  settle();
  EXPECT_FALSE(ended_);
  pass(settings_.stop_grace);
  EXPECT_TRUE(ended_);
  EXPECT_EQ(outbox_.row(id).state, "pending") << "left to the next start";
  EXPECT_EQ(outbox_.row(id).entry.attempts, 0U);
  EXPECT_EQ(ledger_.entries.size(), sender_.sent.size()) << "what was sent is known";
  EXPECT_FALSE(logged("delivery failed"));
}

TEST_F(DispatcherTest, StopIsBoundedWhereTheClockIsSetBack) {
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 24h); };
  start();
  put("stuck");
  settle();
  dispatcher_->stop();
  settle();
  clock_.step(-1h);
  pass(settings_.stop_grace);
  EXPECT_TRUE(ended_);
}

TEST_F(DispatcherTest, StopBeforeTheStartAndWithNothingToDo) {
  start();
  dispatcher_->stop();
  settle();
  EXPECT_TRUE(ended_);
}

TEST_F(DispatcherTest, LogsHoldNoLink) {
  recipients({"a@example.net", "b@example.net"});
  sender_.failures_of["a@example.net"] = {kBusy, kRefused};
  start();
  put("a");
  settle();
  pass(2s);
  EXPECT_GE(logger_.lines.size(), 3U);
  for (const auto& line : logger_.lines) {
    EXPECT_FALSE(line.contains("X-Amz") || line.contains("://")) << line;
  }
}

}  // namespace
}  // namespace s3link::pipeline
