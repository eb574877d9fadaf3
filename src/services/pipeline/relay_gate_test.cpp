#include "services/pipeline/relay_gate.hpp"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <stdexcept>

#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"
#include "support/fake_mail_sender.hpp"
#include "support/fake_random.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using delivery::RelayPhase;
using test_support::run_sync;

const ports::SendFailure kAway{{ErrorKind::transient, "connection refused", ""}, ports::FailureScope::relay};
const ports::SendFailure kLogin{{ErrorKind::denied, "535 5.7.8 no", "535"}, ports::FailureScope::relay};
const ports::SendFailure kLost{{ErrorKind::transient, "no answer", ""}, ports::FailureScope::message, true};
const ports::SendFailure kGreylisted{{ErrorKind::transient, "450 later", "450"}, ports::FailureScope::recipient};

class RelayGateTest : public testing::Test {
 protected:
  static mail::Mail message() {
    return {.envelope_from = "a@b.example", .envelope_to = "you@b.example", .message_id = "m", .rfc5322 = Secret()};
  }
  ports::SendResult send() { return run_sync(gate_.send(message())); }
  void fail(std::deque<ports::SendFailure> failures) { sender_.failures_of["you@b.example"] = std::move(failures); }

  void begin(const std::string& to) { begin(to, gate_); }
  void begin(const std::string& to, RelayGate& gate) {
    mail::Mail mail = message();
    mail.envelope_to = to;
    asio::co_spawn(io_, gate.send(std::move(mail)), [this](std::exception_ptr failure, ports::SendResult sent) {
      EXPECT_FALSE(failure);
      ended_.push_back(std::move(sent));
    });
  }
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }

  asio::io_context io_;
  std::vector<ports::SendResult> ended_;
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  test_support::FakeLogger logger_;
  test_support::FakeMailSender sender_;
  RelayGate gate_{{.max_connections = 2}, sender_, clock_, random_, logger_};
};

TEST_F(RelayGateTest, PassesOnWhatTheSenderSays) {
  fail({kGreylisted});
  EXPECT_EQ(send().error(), kGreylisted);
  EXPECT_TRUE(send());
  EXPECT_EQ(gate_.status().phase, RelayPhase::open);
  EXPECT_TRUE(logger_.lines.empty());
}

TEST_F(RelayGateTest, WhilePausedTheSenderIsNotAsked) {
  fail({kAway});
  EXPECT_EQ(send().error(), kAway);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send().error(), kAway) << "in the relay's words";
  EXPECT_EQ(sender_.tried.size(), 1U);
  EXPECT_EQ(gate_.free(0), 0U);
  clock_.set(gate_.next().value());
  EXPECT_EQ(gate_.free(0), 1U);
  EXPECT_EQ(gate_.free(1), 0U) << "a delivery that is begun will take it";
  EXPECT_TRUE(send());
  EXPECT_EQ(gate_.free(0), 2U);
  ASSERT_EQ(logger_.lines.size(), 2U);
  EXPECT_TRUE(logger_.lines[0].starts_with("relay paused state=paused before=open detail=connection refused"));
  EXPECT_TRUE(logger_.lines[1].starts_with("relay open state=open before=paused")) << logger_.lines[1];
}

TEST_F(RelayGateTest, AClockSetBackEndsAPauseForTheNextMail) {
  fail({kAway});
  EXPECT_FALSE(send());
  clock_.step(-1h);
  begin("you@b.example");
  settle();
  ASSERT_EQ(ended_.size(), 1U);
  EXPECT_TRUE(ended_[0]) << ended_[0].error().error.message;
  EXPECT_EQ(gate_.status().phase, RelayPhase::open);
}

TEST_F(RelayGateTest, ARefusedLoginIsToldAtOnceAndEndsByAProbe) {
  int changes = 0;
  gate_.on_change([&] { ++changes; });
  fail({kLogin});
  EXPECT_FALSE(send());
  EXPECT_EQ(changes, 1);
  EXPECT_TRUE(gate_.status().login_refused);
  EXPECT_EQ(send().error().error.kind, ErrorKind::denied);
  gate_.probe_now();
  EXPECT_EQ(changes, 2);
  EXPECT_TRUE(send());
  EXPECT_FALSE(gate_.status().login_refused);
  EXPECT_TRUE(logger_.lines.at(0).starts_with("relay refuses the login")) << logger_.lines[0];
}

TEST_F(RelayGateTest, SilenceAfterAMessageEndsNoPause) {
  fail({kAway, kLost});
  EXPECT_FALSE(send());
  clock_.set(gate_.next().value());
  EXPECT_TRUE(send().error().may_have_been_taken);
  EXPECT_EQ(gate_.status().phase, RelayPhase::paused);
  EXPECT_GT(gate_.next().value(), clock_.now());
}

TEST_F(RelayGateTest, WhatFindsNoPlaceWaitsForItsTurn) {
  int changes = 0;
  gate_.on_room([&] { ++changes; });
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 5s); };
  for (int i = 0; i < 5; ++i) begin("you@b.example");
  settle();
  EXPECT_EQ(sender_.tried.size(), 2U);
  EXPECT_EQ(gate_.free(0), 0U);
  pass(5s);
  EXPECT_EQ(ended_.size(), 2U);
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(sender_.tried.size(), 4U);
  pass(5s);
  pass(5s);
  ASSERT_EQ(ended_.size(), 5U);
  for (const auto& sent : ended_) EXPECT_TRUE(sent);
}

TEST_F(RelayGateTest, ButNotForLong) {
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 1h); };
  for (int i = 0; i < 3; ++i) begin("you@b.example");
  settle();
  pass(10s);
  ASSERT_EQ(ended_.size(), 1U);
  EXPECT_EQ(ended_[0].error().scope, ports::FailureScope::relay) << "it goes back to the outbox";
  EXPECT_EQ(sender_.tried.size(), 2U);
  pass(1h);
}

TEST_F(RelayGateTest, NorLongerWhereTheClockIsSetBack) {
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 1h); };
  for (int i = 0; i < 3; ++i) begin("you@b.example");
  settle();
  clock_.step(-1h);
  pass(10s);
  EXPECT_EQ(ended_.size(), 1U);
  pass(2h);
}

TEST_F(RelayGateTest, WhatWaitsWhenAPauseBeginsIsToldSo) {
  fail({kAway, kAway});
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 1s); };
  for (int i = 0; i < 4; ++i) begin("you@b.example");
  settle();
  pass(1s);
  ASSERT_EQ(ended_.size(), 4U);
  for (const auto& sent : ended_) EXPECT_EQ(sent.error(), kAway);
  EXPECT_EQ(sender_.tried.size(), 2U);
}

TEST_F(RelayGateTest, ARecipientWhoseMailsHangLeavesTheOthersAPlace) {
  RelayGate gate({.recipients = 2, .max_connections = 2}, sender_, clock_, random_, logger_);
  sender_.before_send = [this](std::string recipient) {
    return clock_.sleep_until(clock_.now() + (recipient == "hangs@b.example" ? 60s : 0s));
  };
  for (int i = 0; i < 3; ++i) begin("hangs@b.example", gate);
  settle();
  EXPECT_EQ(sender_.tried.size(), 1U);
  EXPECT_EQ(gate.free(1), 1U) << "those that wait for this recipient take nobody's place";
  for (int i = 0; i < 10; ++i) begin("you@b.example", gate);
  settle();
  EXPECT_EQ(sender_.sent.size(), 10U);
  pass(10s);
  ASSERT_EQ(ended_.size(), 12U);
  EXPECT_EQ(ended_.back().error().scope, ports::FailureScope::nobody);
  begin("hangs@b.example", gate);
  settle();
  EXPECT_EQ(ended_.size(), 13U) << "it is known now";
  pass(60s);
  EXPECT_EQ(ended_.size(), 14U);
  begin("hangs@b.example", gate);
  settle();
  EXPECT_EQ(sender_.tried.size(), 12U) << "the relay has answered: it is tried again";
  pass(60s);
}

TEST_F(RelayGateTest, WhoIsBrokenOffWhileHeWaitsLeavesNothingBehind) {
  sender_.before_send = [this](std::string) { return clock_.sleep_until(clock_.now() + 1s); };
  for (int i = 0; i < 2; ++i) begin("you@b.example");
  asio::cancellation_signal cancel;
  bool broken = false;
  asio::co_spawn(io_, gate_.send(message()),
                 asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr failure, ports::SendResult) {
                   broken = failure != nullptr;
                 }));
  settle();
  cancel.emit(asio::cancellation_type::terminal);
  settle();
  EXPECT_TRUE(broken);
  pass(1s);
  EXPECT_EQ(ended_.size(), 2U);
  EXPECT_EQ(gate_.free(0), 2U);
}

TEST_F(RelayGateTest, AnExceptionGivesItsPlaceBack) {
  sender_.before_send = [](std::string) -> Awaitable<void> {
    throw std::runtime_error("a bug");
    co_return;
  };
  EXPECT_THROW(send(), std::runtime_error);
  EXPECT_EQ(gate_.free(0), 2U);
}

}  // namespace
}  // namespace s3link::pipeline
