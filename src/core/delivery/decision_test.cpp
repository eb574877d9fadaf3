#include "core/delivery/decision.hpp"

#include <gtest/gtest.h>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

const Instant kNow = from_unix_ms(1'796'738'405'000);
const RetryPolicy kPolicy{3, 1s, 120s};

Failed failed(ErrorKind kind, std::string message = "the relay's words") { return {{kind, std::move(message), ""}}; }

const Failed kRefused{{ErrorKind::denied, "a@x: 550 no", "550"}, "a@x", "550 no"};
const Failed kBusy{{ErrorKind::transient, "b@x: 451 later", "451"}, "b@x", "451 later"};

struct NextCase {
  std::string name;
  unsigned failed_before;
  Outcome outcome;
  Action want;
};
const std::vector<NextCase> kNextCases = {
    {"delivered", 2, Delivered{}, Complete{}},
    {"dropped", 0, Dropped{{"object_gone", "it is gone"}}, Drop{{"object_gone", "it is gone"}}},
    {"undeliverable", 0, Undeliverable{{"unlinkable_key", "dots"}}, DeadLetter{{"unlinkable_key", "dots"}}},
    {"transient_first", 0, failed(ErrorKind::transient), Retry{kNow + 1s, {"transient", "the relay's words"}}},
    {"transient_second", 1, failed(ErrorKind::transient), Retry{kNow + 2s, {"transient", "the relay's words"}}},
    {"transient_last", 2, failed(ErrorKind::transient), DeadLetter{{"transient", "the relay's words"}}},
    {"more_than_allowed", 9, failed(ErrorKind::transient), DeadLetter{{"transient", "the relay's words"}}},
    {"denied", 0, failed(ErrorKind::denied), DeadLetter{{"denied", "the relay's words"}}},
    {"invalid", 0, failed(ErrorKind::invalid_argument), DeadLetter{{"invalid_argument", "the relay's words"}}},
    {"bug", 0, failed(ErrorKind::internal), Retry{kNow + 1s, {"internal", "the relay's words"}}},
    {"recipient_and_reply_stay", 0, kRefused, DeadLetter{{"denied", "a@x: 550 no", "a@x", "550 no"}}},
    {"recipient_and_reply_stay_in_a_retry", 0, kBusy,
     Retry{kNow + 1s, {"transient", "b@x: 451 later", "b@x", "451 later"}}},
    {"in_hand", 0, InHand{}, Postpone{kNow + 1s}},
    {"in_hand_never_runs_out_of_attempts", 9, InHand{}, Postpone{kNow + 1s}},
    {"corrupt", 0, failed(ErrorKind::corrupt), Retry{kNow + 1s, {"corrupt", "the relay's words"}}},
};
class NextTest : public testing::TestWithParam<NextCase> {};
TEST_P(NextTest, Decides) {
  EXPECT_EQ(next(kPolicy, GetParam().failed_before, GetParam().outcome, kNow, 0), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, NextTest, testing::ValuesIn(kNextCases),
                         [](const auto& row) { return row.param.name; });

TEST(Next, OneAttemptOnlyMeansNoRetry) {
  EXPECT_EQ(next(RetryPolicy{1, 1s, 1s}, 0, failed(ErrorKind::transient, "m"), kNow, 0),
            Action(DeadLetter{{"transient", "m"}}));
}

TEST(Combine, WhatMayPassDecides) {
  EXPECT_EQ(combine({}), std::nullopt);
  EXPECT_EQ(combine({kRefused}), kRefused);
  EXPECT_EQ(combine({kRefused, kBusy}),
            (Failed{{ErrorKind::transient, "a@x: 550 no; b@x: 451 later", "451"}, "a@x, b@x", "550 no; 451 later"}));
  EXPECT_EQ(combine({kRefused, kRefused}),
            (Failed{{ErrorKind::denied, "a@x: 550 no; a@x: 550 no", "550"}, "a@x, a@x", "550 no; 550 no"}));
  EXPECT_EQ(combine({kRefused, failed(ErrorKind::internal, "I/O error")}),
            (Failed{{ErrorKind::internal, "a@x: 550 no; I/O error", ""}, "a@x", "550 no"}));
}

TEST(Combine, TextsAreBounded) {
  const auto all = combine(std::vector<Failed>(1000, kRefused));
  ASSERT_TRUE(all);
  for (const std::string* const text : {&all->error.message, &all->recipient, &all->reply}) {
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
