#include "core/delivery/relay_state.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

const Instant kStart = from_unix_ms(1'796'738'405'000);
const mail::SendFailure kAway{{ErrorKind::transient, "connection refused", ""}, mail::FailureScope::relay};
const mail::SendFailure kLess{{ErrorKind::transient, "454 Throttling failure", "454"}, mail::FailureScope::relay};
const mail::SendFailure kLogin{{ErrorKind::denied, "535 5.7.8 no", "535"}, mail::FailureScope::relay};

/// A relay under test, its clock, and jitter of none.
struct Relay {
  explicit Relay(RelayPolicy policy = {}) : state(policy, kStart) {}
  void pass(milliseconds time) { now += time; }
  RelayState::Ticket begin() {
    const auto ticket = state.begin(now);
    EXPECT_TRUE(ticket);
    return ticket.value_or(RelayState::Ticket{});
  }
  void fail(const mail::SendFailure& failure) { state.failed(begin(), failure, now, 0); }
  void succeed(int count = 1) {
    for (int i = 0; i < count; ++i) {
      if (state.free(now) == 0) now = state.next(now).value();
      state.passed(begin(), now);
    }
  }
  void to_next() { now = state.next(now).value(); }

  RelayState state;
  Instant now = kStart;
};

TEST(RelayState, OpenTakesAsManyAsThereAreConnections) {
  Relay relay;
  EXPECT_EQ(relay.state.free(relay.now), 4U);
  const auto first = relay.begin();
  for (int i = 0; i < 3; ++i) relay.begin();
  EXPECT_EQ(relay.state.free(relay.now), 0U);
  EXPECT_EQ(relay.state.begin(relay.now), std::nullopt);
  EXPECT_EQ(relay.state.next(relay.now), std::nullopt) << "only when one ends";
  relay.state.passed(first, relay.now);
  EXPECT_EQ(relay.state.free(relay.now), 1U);
  EXPECT_EQ(relay.state.status().phase, RelayPhase::open);
}

TEST(RelayState, AwayIsProbedByOneMessageWithGrowingPauses) {
  Relay relay;
  relay.fail(kAway);
  for (const auto pause : {1s, 2s, 4s, 8s, 16s, 32s, 64s, 128s, 256s, 300s, 300s}) {
    EXPECT_EQ(relay.state.status().phase, RelayPhase::paused);
    EXPECT_EQ(relay.state.status().reason, "connection refused");
    EXPECT_EQ(trouble(relay.state.status()), "away");
    EXPECT_EQ(relay.state.status().next_probe, relay.now + pause);
    EXPECT_EQ(relay.state.free(relay.now + pause - 1ms), 0U);
    relay.to_next();
    EXPECT_EQ(relay.state.free(relay.now), 1U) << "one probe";
    const auto probe = relay.begin();
    EXPECT_EQ(relay.state.free(relay.now), 0U) << "and no other beside it";
    relay.state.failed(probe, kAway, relay.now, 0);
  }
  relay.to_next();
  relay.succeed();
  EXPECT_EQ(relay.state.status().phase, RelayPhase::open);
  EXPECT_EQ(relay.state.status().reason, "");
  EXPECT_EQ(relay.state.free(relay.now), 4U) << "a relay that is back bears all";
  relay.fail(kAway);
  EXPECT_EQ(relay.state.status().next_probe, relay.now + 1s) << "the pauses begin anew";
}

TEST(RelayState, AProbeThatHangsHasOthersBesideIt) {
  Relay relay;
  relay.fail(kAway);
  relay.to_next();
  const auto hangs = relay.begin();
  EXPECT_FALSE(relay.state.only_waits(relay.now)) << "it may end well";
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(relay.state.free(relay.now), 0U);
    EXPECT_EQ(relay.state.next(relay.now), relay.now + 30s);
    relay.to_next();
    EXPECT_EQ(relay.state.free(relay.now), 1U);
    const auto other = relay.begin();
    if (i == 2) relay.state.passed(other, relay.now);
  }
  EXPECT_EQ(relay.state.status().phase, RelayPhase::open);
  relay.state.failed(hangs, kAway, relay.now, 0);
  EXPECT_EQ(relay.state.status().phase, RelayPhase::paused);
}

TEST(RelayState, ProbesKeepToTheConnections) {
  Relay relay({.max_connections = 2});
  relay.begin();
  relay.fail(kAway);
  EXPECT_TRUE(relay.state.only_waits(relay.now));
  relay.to_next();
  relay.begin();
  relay.pass(1h);
  EXPECT_EQ(relay.state.free(relay.now), 0U);
  EXPECT_EQ(relay.state.next(relay.now), std::nullopt);
}

TEST(RelayState, AClockSetBackEndsAPause) {
  Relay relay;
  relay.fail(kAway);
  relay.pass(-1h);
  EXPECT_EQ(relay.state.next(relay.now), relay.now);
  relay.fail(kAway);
  EXPECT_EQ(relay.state.free(relay.now), 0U) << "the next pause is a whole one";
  EXPECT_EQ(relay.state.status().next_probe, relay.now + 2s);
  relay.to_next();
  relay.begin();  // a probe that hangs
  relay.pass(-1h);
  EXPECT_EQ(relay.state.free(relay.now), 1U);
}

TEST(RelayState, FailuresUnderWayTogetherCountOnce) {
  Relay relay;
  std::vector<RelayState::Ticket> tickets;
  for (int i = 0; i < 4; ++i) tickets.push_back(relay.begin());
  for (const auto ticket : tickets) relay.state.failed(ticket, kLess, relay.now, 0);
  EXPECT_EQ(relay.state.status().next_probe, relay.now + 1s);
  relay.pass(1s);
  relay.succeed();
  EXPECT_EQ(relay.state.status().connections, 2U) << "halved once";
  EXPECT_EQ(relay.state.under_way(), 0U);
}

TEST(RelayState, WhatEndsWellAfterAFailureDoesNotEndThePause) {
  Relay relay;
  const auto before = relay.begin();
  relay.fail(kAway);
  relay.state.passed(before, relay.now);
  EXPECT_EQ(relay.state.free(relay.now), 0U);
}

TEST(RelayState, AskedForLessItHalvesAndGrowsSlowly) {
  Relay relay;
  relay.fail(kLess);
  EXPECT_EQ(relay.state.status().phase, RelayPhase::throttled);
  EXPECT_EQ(trouble(relay.state.status()), "asks for less");
  relay.pass(1s);
  relay.succeed();
  EXPECT_EQ(relay.state.status().connections, 2U);
  relay.fail(kLess);
  relay.pass(1s);
  relay.succeed();
  EXPECT_EQ(relay.state.status().connections, 1U);
  relay.succeed(98);
  EXPECT_EQ(relay.state.status().connections, 1U) << "two were refused";
  relay.succeed();
  EXPECT_EQ(relay.state.status().connections, 2U) << "they pass";
  relay.succeed(10);
  EXPECT_EQ(relay.state.status().connections, 3U);
  EXPECT_EQ(relay.state.status().phase, RelayPhase::throttled);
  relay.succeed(10);
  EXPECT_EQ(relay.state.status().connections, 4U);
  EXPECT_EQ(relay.state.status().phase, RelayPhase::open);
}

TEST(RelayState, StaysJustBelowWhatTheRelayBears) {
  // Three connections at a time, eight wanted, and always as many mails waiting.
  Relay relay({.max_connections = 8});
  int refused = 0;
  int mailed = 0;
  while (mailed < 1000) {
    if (relay.state.free(relay.now) == 0) relay.to_next();
    std::vector<RelayState::Ticket> round;
    while (relay.state.free(relay.now) > 0) round.push_back(relay.begin());
    for (std::size_t i = 3; i < round.size(); ++i, ++refused) relay.state.failed(round[i], kLess, relay.now, 0);
    for (std::size_t i = 0; i < std::min<std::size_t>(3, round.size()); ++i, ++mailed) {
      relay.state.passed(round[i], relay.now);
    }
    relay.pass(20ms);
  }
  EXPECT_LE(refused, 6 + 1000 / 100) << "five at once at first";
  EXPECT_LT(relay.now, kStart + 30s) << "and close to what is possible";
}

TEST(RelayState, WithOneConnectionTheTimeBetweenMessagesGrows) {
  Relay relay({.max_connections = 1});
  relay.fail(kLess);
  relay.pass(1s);
  relay.succeed();
  EXPECT_EQ(relay.state.free(relay.now), 0U);
  EXPECT_EQ(relay.state.next(relay.now), relay.now + 250ms);
  relay.pass(250ms);
  relay.fail(kLess);
  relay.pass(1s);
  relay.succeed();
  EXPECT_EQ(relay.state.next(relay.now), relay.now + 500ms);
  relay.succeed(9);
  EXPECT_EQ(relay.state.next(relay.now), relay.now + 375ms);
  relay.pass(10min);
  relay.succeed();
  EXPECT_EQ(relay.state.status().phase, RelayPhase::open) << "it has not asked for less for ten minutes";
}

TEST(RelayState, SixtyMailsPassARelayThatTakesOneASecond) {
  Relay relay;
  Instant taken{};
  int refused = 0;
  for (int mailed = 0; mailed < 60;) {
    if (relay.state.free(relay.now) == 0) relay.to_next();
    const auto ticket = relay.begin();
    if (relay.now < taken + 1s) {
      ++refused;
      relay.state.failed(ticket, kLess, relay.now, 0);
    } else {
      ++mailed;
      taken = relay.now;
      relay.state.passed(ticket, relay.now);
    }
  }
  EXPECT_LT(refused, 30);
  EXPECT_LT(relay.now, kStart + 150s);
}

TEST(RelayState, ThatTakesNothingForLongIsPaused) {
  Relay relay;
  for (int i = 0; i < 6; ++i) {
    EXPECT_NE(relay.state.status().phase, RelayPhase::paused) << i;
    relay.fail(kLess);
    relay.to_next();
  }
  EXPECT_EQ(relay.state.status().phase, RelayPhase::paused);
}

TEST(RelayState, ARefusedLoginIsKnownAsSuch) {
  Relay relay;
  EXPECT_FALSE(relay.state.status().known);
  relay.fail(kLogin);
  EXPECT_EQ(trouble(relay.state.status()), "login refused");
  EXPECT_TRUE(relay.state.status().known && relay.state.status().login_refused);
  EXPECT_EQ(relay.state.status().phase, RelayPhase::paused);
  EXPECT_EQ(relay.state.free(relay.now), 0U);
  relay.state.probe_now(relay.now);
  EXPECT_EQ(relay.state.free(relay.now), 1U) << "somebody changed the password";
  relay.succeed();
  EXPECT_FALSE(relay.state.status().login_refused);
}

TEST(RelayState, ARateSpreadsMessagesEvenly) {
  Relay relay({.rate = mail::Rate{30, 60s}});
  relay.succeed();
  EXPECT_EQ(relay.state.free(relay.now), 0U);
  EXPECT_EQ(relay.state.next(relay.now), relay.now + 2s);
  relay.pass(1999ms);
  EXPECT_EQ(relay.state.free(relay.now), 0U);
  relay.pass(1ms);
  EXPECT_EQ(relay.state.free(relay.now), 1U);
  relay.pass(1h);
  EXPECT_EQ(relay.state.free(relay.now), 1U) << "nothing is saved up";
  relay.succeed();
  relay.pass(-24h);
  EXPECT_EQ(relay.state.free(relay.now), 1U) << "the clock was set back";
}

TEST(RelayState, AProbeThatIsBrokenOffIsTriedAgain) {
  Relay relay;
  relay.fail(kAway);
  relay.to_next();
  relay.state.abandoned(relay.begin());
  EXPECT_EQ(relay.state.free(relay.now), 1U);
  EXPECT_EQ(relay.state.status().phase, RelayPhase::paused);
}

}  // namespace
}  // namespace s3link::delivery
