#include "services/link/mailer.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "core/mail/message.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_ledger.hpp"
#include "support/fake_mail_sender.hpp"
#include "support/fake_random.hpp"
#include "support/run_sync.hpp"

namespace s3link::link {
namespace {

using namespace std::chrono_literals;
using test_support::run_sync;

class MailerTest : public testing::Test {
 protected:
  mail::Address address(const char* text) { return *mail::Address::parse(text); }
  LinkJob job() {
    return {.bucket = "b",
            .key = "reports/Q3.pdf",
            .sequencer = "2A",
            .size_bytes = 5,
            .sha256 = std::string(32, '\x01'),
            .link = {Secret("https://files.example.org/b/reports/Q3.pdf?sig"), clock_.now() + 5h},
            .removed_at = clock_.now() + 24h};
  }
  std::vector<SendOutcome> deliver(Mailer& mailer) {
    auto pending = run_sync(mailer.pending("b", "reports/Q3.pdf", "2A"));
    EXPECT_TRUE(pending);
    return run_sync(mailer.deliver(job(), *pending, segment_));
  }

  trace::Segment segment_;
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  test_support::FakeLedger ledger_;
  test_support::FakeMailSender sender_;
  Mailer mailer_{{.sender = address("files@example.org"),
                  .sender_name = "Files",
                  .recipients = {address("a@example.net"), address("b@example.net")},
                  .link_template = mail::LinkTemplate::built_in(Language::en)},
                 sender_,
                 ledger_,
                 clock_,
                 random_};
};

TEST_F(MailerTest, SendsOneMessageToEachRecipientAndRecordsIt) {
  const auto outcomes = deliver(mailer_);
  ASSERT_EQ(outcomes.size(), 2U);
  ASSERT_EQ(sender_.sent.size(), 2U);
  ASSERT_EQ(ledger_.entries.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::string recipient = i == 0 ? "a@example.net" : "b@example.net";
    EXPECT_TRUE(outcomes[i].status);
    EXPECT_EQ(outcomes[i].recipient, recipient);
    EXPECT_EQ(sender_.sent[i].envelope_to, recipient);
    EXPECT_EQ(sender_.sent[i].envelope_from, "files@example.org");
    const std::string_view text = sender_.sent[i].rfc5322.reveal();
    EXPECT_TRUE(text.contains("\r\nTo: " + recipient + "\r\n"));
    EXPECT_TRUE(text.contains("\r\nMessage-ID: " + sender_.sent[i].message_id + "\r\n"));
    EXPECT_TRUE(text.contains("\r\nhttps://files.example.org/b/reports/Q3.pdf?sig\r\n"));
    EXPECT_EQ(ledger_.entries[i].message_id, sender_.sent[i].message_id);
    EXPECT_EQ(ledger_.entries[i].deadline, clock_.now() + 5h);
    EXPECT_EQ(ledger_.entries[i].sent, clock_.now());
    EXPECT_EQ(ledger_.entries[i].reply, "250 2.0.0 fake-" + std::to_string(i + 1));
    EXPECT_EQ(ledger_.entries[i].key, (ports::LedgerKey{"b", "reports/Q3.pdf", "2A", recipient, "link"}));
  }
  EXPECT_NE(sender_.sent[0].message_id, sender_.sent[1].message_id);
  EXPECT_TRUE(run_sync(mailer_.pending("b", "reports/Q3.pdf", "2A"))->empty());
}

TEST_F(MailerTest, OneRecipientsFailureLeavesTheOthersTheirs) {
  sender_.failures_of["a@example.net"] = {{{ErrorKind::transient, "451 greylisted", "451"}}};
  const auto outcomes = deliver(mailer_);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].status.error(), (Error{ErrorKind::transient, "a@example.net: 451 greylisted", "451"}));
  EXPECT_EQ(outcomes[0].reply, "451 greylisted");
  EXPECT_TRUE(outcomes[1].status);
  EXPECT_EQ(*run_sync(mailer_.pending("b", "reports/Q3.pdf", "2A")), std::vector{address("a@example.net")});
  EXPECT_EQ(deliver(mailer_).size(), 1U);
  EXPECT_EQ(sender_.sent.size(), 2U);
}

TEST_F(MailerTest, OneThatTakesItsTimeLeavesTheOthersTheirs) {
  sender_.before_send = [this](std::string recipient) {
    return clock_.sleep_until(clock_.now() + (recipient == "a@example.net" ? 60s : 0s));
  };
  asio::io_context io;
  std::vector<SendOutcome> outcomes;
  asio::co_spawn(io, mailer_.deliver(job(), {address("a@example.net"), address("b@example.net")}, segment_),
                 [&](std::exception_ptr failure, std::vector<SendOutcome> all) {
                   EXPECT_FALSE(failure);
                   outcomes = std::move(all);
                 });
  io.poll();
  ASSERT_EQ(ledger_.entries.size(), 1U);
  EXPECT_EQ(ledger_.entries[0].key.recipient, "b@example.net");
  EXPECT_TRUE(outcomes.empty());
  clock_.advance(60s);
  io.restart();
  io.poll();
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].recipient, "a@example.net");
  EXPECT_TRUE(outcomes[0].status && outcomes[1].status);
}

TEST_F(MailerTest, AnExceptionIsOneRecipientsOutcome) {
  sender_.before_send = [](std::string recipient) -> Awaitable<void> {
    if (recipient == "a@example.net") throw std::runtime_error("a bug");
    co_return;
  };
  const auto outcomes = deliver(mailer_);
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].status.error(), (Error{ErrorKind::internal, "unexpected: a bug", ""}));
  EXPECT_EQ(outcomes[0].scope, ports::FailureScope::ours);
  EXPECT_TRUE(outcomes[1].status);
}

TEST_F(MailerTest, EachMessageIsRenderedAndRelayedInTheTrace) {
  sender_.failures_of["a@example.net"] = {{{ErrorKind::transient, "451 greylisted", "451"}}};
  sender_.failures_of["b@example.net"] = {{{ErrorKind::denied, "550 no such user", "550"}}};
  deliver(mailer_);
  sender_.before_send = [this](std::string recipient) {
    return clock_.sleep_until(clock_.now() + (recipient == "b@example.net" ? 1s : 0s));
  };
  clock_.skip_sleep();
  deliver(mailer_);
  const auto& parts = segment_.children;
  ASSERT_EQ(parts.size(), 8U);
  for (std::size_t i = 0; i < parts.size(); i += 2) EXPECT_EQ(parts[i].name, "render");
  for (std::size_t i = 1; i < parts.size(); i += 2) {
    EXPECT_EQ(parts[i].name, "relay");
    EXPECT_EQ(parts[i].name_space, "remote");
  }
  using Entries = std::vector<std::pair<std::string, std::string>>;
  EXPECT_TRUE(parts[1].fault);
  EXPECT_EQ(parts[1].cause, (trace::Cause{"transient", "451 greylisted"}));
  EXPECT_EQ(parts[1].metadata, (Entries{{"reply", "451 greylisted"}}));
  EXPECT_TRUE(parts[3].error);
  EXPECT_FALSE(parts[3].fault);
  EXPECT_EQ(parts[3].cause, (trace::Cause{"denied", "550 no such user"}));
  EXPECT_FALSE(parts[5].fault || parts[5].error || parts[5].cause);
  EXPECT_EQ(parts[5].annotations, (Entries{{"recipients", "1"}}));
  EXPECT_EQ(parts[5].metadata, (Entries{{"reply", "250 2.0.0 fake-1"}}));
  EXPECT_EQ(parts[7].end - parts[7].start, 1s);
}

TEST_F(MailerTest, TheMailNamesItsTraceAndNoMore) {
  LinkJob named = job();
  named.trace_id = "1-5759e988-bd862e3fe1be46a994272793";
  run_sync(mailer_.deliver(std::move(named), {address("a@example.net")}, segment_));
  run_sync(mailer_.deliver(job(), {address("b@example.net")}, segment_));
  ASSERT_EQ(sender_.sent.size(), 2U);
  EXPECT_TRUE(
      sender_.sent[0].rfc5322.reveal().contains("\r\nX-Amzn-Trace-Id: Root=1-5759e988-bd862e3fe1be46a994272793\r\n"));
  EXPECT_FALSE(sender_.sent[1].rfc5322.reveal().contains("Trace"));
}

TEST_F(MailerTest, AnOriginMakesTheMessageIdAnotherAndOnlyForItsOwnNumbers) {
  const auto id_with = [this](event::Origins origins) {
    ledger_.entries.clear();
    Mailer mailer({.sender = address("files@example.org"),
                   .sender_name = "Files",
                   .recipients = {address("a@example.net")},
                   .link_template = mail::LinkTemplate::built_in(Language::en),
                   .origins = std::move(origins)},
                  sender_, ledger_, clock_, random_);
    return deliver(mailer)[0].message_id;
  };
  const std::string without = id_with({});
  EXPECT_EQ(without,
            mail::message_id_of({"b", "reports/Q3.pdf", "2A", "a@example.net", "link"}, address("files@example.org")));
  const std::string first = id_with(event::Origins({{"10", "of one folder"}}));
  EXPECT_NE(first, without);
  EXPECT_NE(first, id_with(event::Origins({{"10", "of another folder"}})));
  EXPECT_EQ(first, id_with(event::Origins({{"10", "of one folder"}, {"30", "of a later start"}})));
  EXPECT_EQ(without, id_with(event::Origins({{"2B", "of a later start"}}))) << "a mail that waited over an upgrade";
}

TEST_F(MailerTest, RelayThatSaidNothingIsNotQuoted) {
  sender_.failures_of["a@example.net"] = {{{ErrorKind::transient, "connection refused", ""}}};
  EXPECT_EQ(deliver(mailer_)[0].reply, "");
}

TEST_F(MailerTest, RepeatAfterALostLedgerEntryHasTheSameMessageId) {
  ledger_.record_failures = {{{ErrorKind::internal, "I/O error", ""}}};
  const auto first = deliver(mailer_);
  EXPECT_EQ(first[0].status.error().message, "sent, but not entered in the ledger: I/O error");
  clock_.advance(1h);
  const auto second = deliver(mailer_);
  ASSERT_EQ(second.size(), 1U);
  EXPECT_EQ(second[0].message_id, first[0].message_id);
  ASSERT_EQ(sender_.sent.size(), 3U);
  EXPECT_EQ(sender_.sent[2].message_id, sender_.sent[0].message_id);
}

TEST_F(MailerTest, WhatWasSentIsRecordedOnceTheDiskHasRoomAgain) {
  ledger_.record_failures = {3, Error{ErrorKind::transient, "disk full", ""}};
  clock_.skip_sleep();
  for (const SendOutcome& outcome : deliver(mailer_)) EXPECT_TRUE(outcome.status) << outcome.status.error().message;
  EXPECT_EQ(sender_.sent.size(), 2U) << "one for each recipient";
  EXPECT_EQ(ledger_.entries.size(), 2U);
}

TEST_F(MailerTest, LedgerThatCannotBeReadIsAnError) {
  ledger_.contains_failures = {{{ErrorKind::internal, "I/O", ""}}};
  EXPECT_EQ(run_sync(mailer_.pending("b", "k", "1")).error().kind, ErrorKind::internal);
}

TEST_F(MailerTest, AnotherTemplateHoldsForTheMessagesComposedAfterwards) {
  auto texts = mail::LinkTemplate::built_in_texts(Language::en);
  texts.subject = "Another subject";
  auto other = mail::LinkTemplate::parse(texts);
  ASSERT_TRUE(other);
  deliver(mailer_);
  mailer_.use_template(std::move(*other));
  ledger_.entries.clear();
  deliver(mailer_);
  ASSERT_EQ(sender_.sent.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    const bool is_new = sender_.sent[i].rfc5322.reveal().contains("Subject: Another subject");
    EXPECT_EQ(is_new, i >= 2) << i;
  }
}

}  // namespace
}  // namespace s3link::link
