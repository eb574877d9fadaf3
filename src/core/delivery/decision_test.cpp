#include "core/delivery/decision.hpp"

#include <gtest/gtest.h>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

const Instant kNow = from_unix_ms(1'796'738'405'000);
const RetryPolicy kPolicy{.max_attempts = 3, .first_retry = 1s, .max_retry = 120s, .give_up_after = 96h};
const RetryPolicy kByTime{.max_attempts = 0, .first_retry = 1s, .max_retry = 120s, .give_up_after = 96h};

using enum mail::FailureScope;
const Failure kRefused{{ErrorKind::denied, "a@x: 550 no", "550"}, "a@x", "550 no", recipient};
const Failure kBusy{{ErrorKind::transient, "b@x: 451 later", "451"}, "b@x", "451 later", recipient};
const Failure kAway{{ErrorKind::transient, "c@x: refused", ""}, "c@x", "", relay};
const Failure kLogin{{ErrorKind::denied, "c@x: 535 no", "535"}, "c@x", "535 no", relay};
const Failure kLost{{ErrorKind::transient, "b@x: no answer", ""}, "b@x", "", mail::FailureScope::message, true};
const Failure kFull{{ErrorKind::transient, "no descriptors", ""}, "", "", ours};
const Failure kBug{{ErrorKind::internal, "unexpected: a bug", ""}, "b@x", "", ours};
const Failure kNotYet{{ErrorKind::transient, "d@x: not yet", ""}, "d@x", "", nobody};
const Reason kRefusedReason{"denied", "a@x: 550 no", "a@x", "550 no"};
const Reason kBusyReason{"transient", "b@x: 451 later", "b@x", "451 later"};

Failed failed(ErrorKind kind) { return {{{{kind, "the words", ""}}}}; }
Life life(unsigned failed_before) {
  return {.failed_before = failed_before, .since = kNow, .removal = {}, .refused = {}};
}
Life old(std::chrono::milliseconds age, std::optional<Instant> removal = {}) {
  return {.failed_before = 0, .since = kNow - age, .removal = removal, .refused = {}};
}
Life with_refused() { return {.failed_before = 1, .since = kNow, .removal = {}, .refused = {kRefusedReason}}; }

struct NextCase {
  std::string name;
  Life life;
  Outcome outcome;
  Action want;
  RetryPolicy policy = kPolicy;
};
const std::vector<NextCase> kNextCases = {
    {"delivered", life(2), Delivered{}, Complete{}},
    {"dropped", life(0), Dropped{{"object_gone", "it is gone"}}, Drop{{"object_gone", "it is gone"}}},
    {"undeliverable", life(0), Undeliverable{{"unlinkable_key", "dots"}}, DeadLetter{{"unlinkable_key", "dots"}}},
    {"transient_first", life(0), failed(ErrorKind::transient), Retry{kNow + 1s, {"transient", "the words"}}},
    {"transient_second", life(1), failed(ErrorKind::transient), Retry{kNow + 2s, {"transient", "the words"}}},
    {"transient_last", life(2), failed(ErrorKind::transient), DeadLetter{{"transient", "the words"}}},
    {"more_than_allowed", life(9), failed(ErrorKind::transient), DeadLetter{{"transient", "the words"}}},
    {"denied", life(0), failed(ErrorKind::denied), DeadLetter{{"denied", "the words"}}},
    {"invalid", life(0), failed(ErrorKind::invalid_argument), DeadLetter{{"invalid_argument", "the words"}}},
    {"bug", life(0), failed(ErrorKind::internal), Retry{kNow + 1s, {"internal", "the words"}}},
    {"corrupt", life(0), failed(ErrorKind::corrupt), Retry{kNow + 1s, {"corrupt", "the words"}}},
    {"recipient_and_reply_stay", life(0), Failed{{kRefused}}, DeadLetter{kRefusedReason}},
    {"recipient_and_reply_stay_in_a_retry", life(0), Failed{{kBusy}}, Retry{kNow + 1s, kBusyReason}},
    {"in_hand", life(0), InHand{}, Postpone{kNow + 1s}},
    {"in_hand_never_runs_out_of_attempts", life(9), InHand{}, Postpone{kNow + 1s}},
    {"held", life(9), Held{kNow + 10s}, Postpone{kNow + 10s}},

    {"time_bounds_not_attempts", life(99), failed(ErrorKind::transient), Retry{kNow + 120s, {"transient", "the words"}},
     kByTime},
    {"last_attempt_at_the_end", old(96h - 500ms), failed(ErrorKind::transient),
     Retry{kNow + 500ms, {"transient", "the words"}}, kByTime},
    {"given_up_by_time", old(96h), failed(ErrorKind::transient), DeadLetter{{"transient", "the words"}}, kByTime},
    {"given_up_before_the_removal", old(23h, kNow + 1h), failed(ErrorKind::transient),
     DeadLetter{{"transient", "the words"}}, kByTime},
    {"tried_until_then", old(22h, kNow + 2h), failed(ErrorKind::transient),
     Retry{kNow + 1s, {"transient", "the words"}}, kByTime},

    {"refused_beside_busy", life(0), Failed{{kRefused, kBusy}},
     Retry{kNow + 1s, {"transient", "a@x: 550 no; b@x: 451 later", "a@x, b@x", "550 no; 451 later"}, {kRefusedReason}}},
    {"others_mailed_after_a_refusal", with_refused(), Delivered{}, DeadLetter{kRefusedReason}},
    {"dead_letter_names_all", with_refused(), Failed{{{{ErrorKind::denied, "b@x: 550", "550"}, "b@x", "550"}}},
     DeadLetter{{"denied", "a@x: 550 no; b@x: 550", "a@x, b@x", "550 no; 550"}}},

    {"relay_away_is_no_attempt", life(2), Failed{{kAway}}, Postpone{kNow}},
    {"relay_login_is_no_attempt", life(2), Failed{{kLogin}}, Postpone{kNow}},
    {"relay_away_beside_a_refusal", life(0), Failed{{kRefused, kAway}}, Postpone{kNow, {kRefusedReason}}},
    {"relay_away_beside_a_busy_recipient", life(0), Failed{{kBusy, kAway}},
     Retry{kNow + 1s, {"transient", "b@x: 451 later; c@x: refused", "b@x, c@x", "451 later"}}},
    {"relay_away_for_too_long", old(96h), Failed{{kAway}}, DeadLetter{{"relay_unavailable", "c@x: refused", "c@x"}}},
    {"login_refused_for_too_long", old(96h), Failed{{kLogin}},
     DeadLetter{{"relay_login", "c@x: 535 no", "c@x", "535 no"}}},

    {"may_have_been_taken_waits", life(0), Failed{{kLost}},
     Retry{kNow + 10min, {"unconfirmed", "b@x: no answer", "b@x"}, {}, false}},
    {"may_have_been_taken_waits_within_bounds", old(96h - 4min), Failed{{kLost}},
     Retry{kNow + 2min, {"unconfirmed", "b@x: no answer", "b@x"}, {}, false}},
    {"may_have_been_taken_is_no_attempt", life(2), Failed{{kLost}},
     Retry{kNow + 10min, {"unconfirmed", "b@x: no answer", "b@x"}, {}, false}},
    {"may_have_been_taken_beside_a_busy_recipient", life(1), Failed{{kLost, kBusy}},
     Retry{kNow + 10min, {"unconfirmed", "b@x: no answer; b@x: 451 later", "b@x, b@x", "451 later"}}},

    {"ours_is_no_attempt", life(2), Failed{{kFull}}, Retry{kNow + 1s, {"transient", "no descriptors"}, {}, false}},
    {"a_bug_is_no_attempt", life(2), Failed{{kBug}},
     Retry{kNow + 1s, {"internal", "unexpected: a bug", "b@x"}, {}, false}},
    {"ours_waits_as_long_again", old(40s), Failed{{kFull}},
     Retry{kNow + 40s, {"transient", "no descriptors"}, {}, false}},
    {"ours_waits_no_longer_than_max_retry", old(1h), Failed{{kFull}},
     Retry{kNow + 120s, {"transient", "no descriptors"}, {}, false}},
    {"ours_for_too_long", old(96h), Failed{{kFull}}, DeadLetter{{"transient", "no descriptors"}}},
    {"ours_beside_a_refusal", life(0), Failed{{kFull, kRefused}},
     Retry{kNow + 1s, {"transient", "no descriptors; a@x: 550 no", "a@x", "550 no"}, {kRefusedReason}, false}},

    {"not_tried_is_no_attempt", life(2), Failed{{kNotYet}}, Postpone{kNow + 5s}},
    {"not_tried_waits_as_long_again", old(40s), Failed{{kNotYet}}, Postpone{kNow + 40s}},
    {"not_tried_waits_five_minutes_at_most", old(24h), Failed{{kNotYet}}, Postpone{kNow + 5min}},
    {"not_tried_until_the_end", old(96h - 1s), Failed{{kNotYet}}, Postpone{kNow + 1s}},
    {"not_tried_for_too_long", old(96h), Failed{{kNotYet}}, DeadLetter{{"transient", "d@x: not yet", "d@x"}}},
    {"not_tried_while_the_relay_is_away", old(40s), Failed{{kNotYet, kAway}}, Postpone{kNow}},
    {"not_tried_beside_a_busy_recipient", life(0), Failed{{kBusy, kNotYet}}, Retry{kNow + 1s, kBusyReason}},
    {"not_tried_beside_a_refusal", life(0), Failed{{kRefused, kNotYet}}, Postpone{kNow + 5s, {kRefusedReason}}},
};
class NextTest : public testing::TestWithParam<NextCase> {};
TEST_P(NextTest, Decides) {
  const auto& row = GetParam();
  EXPECT_EQ(next(row.policy, row.life, row.outcome, kNow, 0), row.want);
}
INSTANTIATE_TEST_SUITE_P(Table, NextTest, testing::ValuesIn(kNextCases),
                         [](const auto& row) { return row.param.name; });

TEST(Next, OneAttemptOnlyMeansNoRetry) {
  EXPECT_EQ(next(RetryPolicy{.max_attempts = 1, .first_retry = 1s, .max_retry = 1s}, life(0),
                 failed(ErrorKind::transient), kNow, 0),
            Action(DeadLetter{{"transient", "the words"}}));
}

TEST(Combine, WhatMayPassDecides) {
  EXPECT_EQ(combine({kRefused}), kRefusedReason);
  EXPECT_EQ(combine({kRefused, kBusy}),
            (Reason{"transient", "a@x: 550 no; b@x: 451 later", "a@x, b@x", "550 no; 451 later"}));
  EXPECT_EQ(combine({kRefused, kRefused}),
            (Reason{"denied", "a@x: 550 no; a@x: 550 no", "a@x, a@x", "550 no; 550 no"}));
}

TEST(Combine, TextsAreBounded) {
  const Reason all = combine(std::vector<Failure>(1000, kRefused));
  for (const std::string* const text : {&all.message, &all.recipient, &all.reply}) {
    EXPECT_LT(text->size(), 4'100U);
    EXPECT_TRUE(text->ends_with("…")) << *text;
  }
}

struct LinkableCase {
  std::string name, key;
  bool want;
};
const std::vector<LinkableCase> kLinkableCases = {
    {"plain", "reports/a.pdf", true},
    {"dot", ".", false},
    {"dot_dot", "..", false},
    {"inside", "a/../b", false},
    {"inside_single", "a/./b", false},
    {"at_the_start", "../a", false},
    {"at_the_end", "a/..", false},
    {"at_the_end_single", "a/.", false},
    {"before_a_slash", "a/../", false},
    {"three_dots", "a/.../b", true},
    {"hidden_file", ".config", true},
    {"dots_in_names", "a..b/..c/d..", true},
    {"slash", "/", true},
    {"double_slash", "a//b", true},
    {"empty_end", "a/", true},
    {"backslashes_are_encoded", "a\\..\\b", true},
    {"literal_percent_is_encoded_again_as_percent_25", "a/%2e%2e/b", true},
};
class IsLinkableTest : public testing::TestWithParam<LinkableCase> {};
TEST_P(IsLinkableTest, KnowsWhatBrowsersCollapse) { EXPECT_EQ(is_linkable(GetParam().key), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, IsLinkableTest, testing::ValuesIn(kLinkableCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::delivery
