#include "core/delivery/decision.hpp"

#include <gtest/gtest.h>

namespace s3link::delivery {
namespace {

using namespace std::chrono_literals;

const Instant kNow = from_unix_ms(1'796'738'405'000);
const RetryPolicy kPolicy{3, 1s, 120s};

Failed failed(ErrorKind kind, std::string message = "the relay's words") { return {{kind, std::move(message), ""}}; }

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
  const Error refused{ErrorKind::denied, "550 no", "550"};
  const Error busy{ErrorKind::transient, "451 later", "451"};
  EXPECT_EQ(combine({refused}), refused);
  EXPECT_EQ(combine({refused, busy}), (Error{ErrorKind::transient, "550 no; 451 later", "451"}));
  EXPECT_EQ(combine({refused, refused}), (Error{ErrorKind::denied, "550 no; 550 no", "550"}));
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
