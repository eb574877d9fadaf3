#include "services/pipeline/relay_gate.hpp"

#include <gtest/gtest.h>

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
