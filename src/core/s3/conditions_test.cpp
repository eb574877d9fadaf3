#include "core/s3/conditions.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

const std::string kEtag = "d41d8cd98f00b204e9800998ecf8427e";
constexpr Instant kModified =
    Instant(std::chrono::sys_days(std::chrono::May / 24 / 2026)) + std::chrono::milliseconds(700);
const std::string kBefore = "Sat, 23 May 2026 23:59:59 GMT";
const std::string kSame = "Sun, 24 May 2026 00:00:00 GMT";

struct ReadCase {
  std::string name;
  Fields fields;
  ReadVerdict want;
};
const std::vector<ReadCase> kReadCases = {
    {"none", {}, ReadVerdict::proceed},
    {"match", {{"If-Match", "\"" + kEtag + "\""}}, ReadVerdict::proceed},
    {"match_without_quotes", {{"if-match", kEtag}}, ReadVerdict::proceed},
    {"match_any", {{"If-Match", "*"}}, ReadVerdict::proceed},
    {"match_in_list", {{"If-Match", "\"x\", \"" + kEtag + "\""}}, ReadVerdict::proceed},
    {"match_in_second_field", {{"If-Match", "\"x\""}, {"If-Match", "\"" + kEtag + "\""}}, ReadVerdict::proceed},
    {"match_weak_does_not_count", {{"If-Match", "W/\"" + kEtag + "\""}}, ReadVerdict::precondition_failed},
    {"match_other", {{"If-Match", "\"x\""}}, ReadVerdict::precondition_failed},
    {"none_match_same", {{"If-None-Match", "\"" + kEtag + "\""}}, ReadVerdict::not_modified},
    {"none_match_weak_counts", {{"If-None-Match", "W/\"" + kEtag + "\""}}, ReadVerdict::not_modified},
    {"none_match_other", {{"If-None-Match", "\"x\""}}, ReadVerdict::proceed},
    {"modified_since_before", {{"If-Modified-Since", kBefore}}, ReadVerdict::proceed},
    {"modified_since_same_second", {{"If-Modified-Since", kSame}}, ReadVerdict::not_modified},
    {"unmodified_since_before", {{"If-Unmodified-Since", kBefore}}, ReadVerdict::precondition_failed},
    {"unmodified_since_same_second", {{"If-Unmodified-Since", kSame}}, ReadVerdict::proceed},
    {"match_hides_unmodified_since",
     {{"If-Match", "\"" + kEtag + "\""}, {"If-Unmodified-Since", kBefore}},
     ReadVerdict::proceed},
    {"none_match_hides_modified_since",
     {{"If-None-Match", "\"x\""}, {"If-Modified-Since", kSame}},
     ReadVerdict::proceed},
    {"match_fails_before_none_match",
     {{"If-Match", "\"x\""}, {"If-None-Match", "\"" + kEtag + "\""}},
     ReadVerdict::precondition_failed},
    {"broken_date_is_ignored", {{"If-Modified-Since", "yesterday"}}, ReadVerdict::proceed},
};
class ReadConditionsTest : public testing::TestWithParam<ReadCase> {};
TEST_P(ReadConditionsTest, Decides) {
  EXPECT_EQ(evaluate(ReadConditions::parse(GetParam().fields), kEtag, kModified), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, ReadConditionsTest, testing::ValuesIn(kReadCases),
                         [](const auto& row) { return row.param.name; });

TEST(IfRange, FollowsTheRangeOnlyOfThisObject) {
  const auto applies = [](std::string value) {
    return range_applies(ReadConditions::parse({{"If-Range", std::move(value)}}), kEtag, kModified);
  };
  EXPECT_TRUE(range_applies({}, kEtag, kModified));
  EXPECT_TRUE(applies("\"" + kEtag + "\""));
  EXPECT_TRUE(applies(kSame));
  EXPECT_FALSE(applies("\"x\""));
  EXPECT_FALSE(applies("W/\"" + kEtag + "\""));
  EXPECT_FALSE(applies(kBefore));
}

TEST(WriteCondition, TakesWhatS3Takes) {
  EXPECT_TRUE(WriteCondition::parse({{"If-None-Match", "*"}})->if_none_exists);
  EXPECT_EQ(WriteCondition::parse({{"If-Match", "\"abc\""}})->if_match, "abc");
  EXPECT_EQ(WriteCondition::parse({{"If-Match", "*"}})->if_match, "*");
  EXPECT_FALSE(WriteCondition::parse({})->if_match);
  for (const Fields& refused : {Fields{{"If-None-Match", "\"abc\""}}, Fields{{"If-Match", "a"}, {"If-None-Match", "*"}},
                                Fields{{"If-Unmodified-Since", kSame}}}) {
    EXPECT_EQ(WriteCondition::parse(refused).error().code, "NotImplemented");
  }
}

}  // namespace
}  // namespace s3link::s3
