#include "core/s3/lifecycle.hpp"

#include <gtest/gtest.h>

#include "core/s3/error_code.hpp"

namespace s3link::s3 {
namespace {

using std::chrono::days;

std::string configuration(std::string_view rules) {
  return "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" + std::string(rules) +
         "</LifecycleConfiguration>";
}
std::string rule(std::string_view content) {
  return configuration("<Rule><ID>r</ID><Status>Enabled</Status>" + std::string(content) + "</Rule>");
}
constexpr const char* kDays = "<Expiration><Days>3</Days></Expiration>";

TEST(ParseLifecycleTest, ReadsWhatIsOffered) {
  const auto rules = parse_lifecycle(configuration(
      "<Rule><ID>all</ID><Filter/><Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule>"
      "<Rule><ID>tmp</ID><Filter><Prefix>tmp/&amp;</Prefix></Filter><Status>Disabled</Status>"
      "<Expiration><Days> 1 </Days></Expiration>"
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>2</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
      "</Rule>"
      "<Rule><Prefix>old</Prefix><Status>Enabled</Status>"
      "<AbortIncompleteMultipartUpload><DaysAfterInitiation>3650</DaysAfterInitiation>"
      "</AbortIncompleteMultipartUpload></Rule>"));
  ASSERT_TRUE(rules) << rules.error().message;
  const LifecycleRules want = {
      {.id = "all", .enabled = true, .prefix = "", .prefix_in_filter = true, .expiration = days(3), .abort_upload = {}},
      {.id = "tmp",
       .enabled = false,
       .prefix = "tmp/&",
       .prefix_in_filter = true,
       .expiration = days(1),
       .abort_upload = days(2)},
      {.id = "",
       .enabled = true,
       .prefix = "old",
       .prefix_in_filter = false,
       .expiration = {},
       .abort_upload = days(3650)}};
  EXPECT_EQ(*rules, want);
}

TEST(ParseLifecycleTest, WhatWasAnsweredReadsTheSame) {
  const auto rules = parse_lifecycle(configuration(
      "<Rule><ID>a &lt; b</ID><Filter><And><Prefix>x</Prefix></And></Filter><Status>Enabled</Status>"
      "<Expiration><Days>9</Days></Expiration></Rule>"
      "<Rule><ID>b</ID><Prefix/><Status>Disabled</Status><Expiration><Days>8</Days></Expiration></Rule>"));
  ASSERT_TRUE(rules) << rules.error().message;
  const auto again = parse_lifecycle(lifecycle_document(*rules));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *rules);
}

struct RefusedCase {
  std::string name, xml, code, part;
};
const std::vector<RefusedCase> kRefused = {
    {"empty_text", "", "MalformedXML", ""},
    {"no_rule", configuration(""), "MalformedXML", "at least one Rule"},
    {"other_root", "<Lifecycle/>", "MalformedXML", ""},
    {"doctype", "<!DOCTYPE x>" + rule(std::string("<Filter/>") + kDays), "MalformedXML", "document type"},
    {"no_status", configuration(std::string("<Rule><Filter/>") + kDays + "</Rule>"), "MalformedXML", "Status"},
    {"other_status", configuration(std::string("<Rule><Filter/><Status>On</Status>") + kDays + "</Rule>"),
     "MalformedXML", "Status"},
    {"no_filter", rule(kDays), "MalformedXML", "Filter"},
    {"filter_and_prefix", rule(std::string("<Filter/><Prefix/>") + kDays), "MalformedXML", "Filter"},
    {"two_prefixes", rule(std::string("<Filter><Prefix>a</Prefix><Prefix>b</Prefix></Filter>") + kDays), "MalformedXML",
     ""},
    {"no_action", rule("<Filter/>"), "InvalidRequest", "action"},
    {"empty_expiration", rule("<Filter/><Expiration/>"), "MalformedXML", ""},
    {"zero_days", rule("<Filter/><Expiration><Days>0</Days></Expiration>"), "InvalidArgument", "'Days' for Expiration"},
    {"negative_days", rule("<Filter/><Expiration><Days>-1</Days></Expiration>"), "InvalidArgument", "positive"},
    {"word_days", rule("<Filter/><Expiration><Days>ten</Days></Expiration>"), "MalformedXML", ""},
    {"half_days", rule("<Filter/><Expiration><Days>1.5</Days></Expiration>"), "MalformedXML", ""},
    {"eleven_years", rule("<Filter/><Expiration><Days>3651</Days></Expiration>"), "InvalidArgument", "ten years"},
    {"wrapping_days", rule("<Filter/><Expiration><Days>4294967297</Days></Expiration>"), "InvalidArgument", "3650"},
    {"date", rule("<Filter/><Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>"), "NotImplemented", "Date"},
    {"delete_marker",
     rule("<Filter/><Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"),
     "NotImplemented", "ExpiredObjectDeleteMarker"},
    {"transition", rule("<Filter/><Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"),
     "NotImplemented", "Transition"},
    {"noncurrent_expiration",
     rule("<Filter/><NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>"),
     "NotImplemented", "NoncurrentVersionExpiration"},
    {"noncurrent_transition", rule("<Filter/><NoncurrentVersionTransition/>"), "NotImplemented",
     "NoncurrentVersionTransition"},
    {"tag", rule(std::string("<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>") + kDays), "NotImplemented",
     "Tag"},
    {"tag_and_prefix",
     rule(std::string("<Filter><And><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And></Filter>") + kDays),
     "NotImplemented", "Tag"},
    {"larger_than", rule(std::string("<Filter><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan></Filter>") + kDays),
     "NotImplemented", "ObjectSizeGreaterThan"},
    {"smaller_than", rule(std::string("<Filter><ObjectSizeLessThan>1</ObjectSizeLessThan></Filter>") + kDays),
     "NotImplemented", "ObjectSizeLessThan"},
    {"unknown_element", rule(std::string("<Filter/><Colour>red</Colour>") + kDays), "MalformedXML", ""},
    {"same_id",
     configuration(std::string("<Rule><ID>r</ID><Filter/><Status>Enabled</Status>") + kDays +
                   "</Rule><Rule><ID>r</ID><Prefix>a</Prefix><Status>Disabled</Status>" + kDays + "</Rule>"),
     "InvalidArgument", "unique"},
    {"long_id",
     configuration("<Rule><ID>" + std::string(256, 'i') + "</ID><Filter/><Status>Enabled</Status>" + kDays + "</Rule>"),
     "InvalidArgument", "255"},
    {"long_prefix", rule("<Prefix>" + std::string(1025, 'p') + "</Prefix>" + kDays), "InvalidRequest", "prefix"},
    {"long_document", configuration(std::string(kMaxLifecycleBytes, ' ')), "MaxMessageLengthExceeded", ""},
};

class RefusedLifecycleTest : public testing::TestWithParam<RefusedCase> {};

TEST_P(RefusedLifecycleTest, NamesWhatIsWrong) {
  const auto rules = parse_lifecycle(GetParam().xml);
  ASSERT_FALSE(rules);
  EXPECT_EQ(rules.error().code, GetParam().code);
  EXPECT_NE(rules.error().message.find(GetParam().part), std::string::npos) << rules.error().message;
}

INSTANTIATE_TEST_SUITE_P(Table, RefusedLifecycleTest, testing::ValuesIn(kRefused),
                         [](const auto& row) { return row.param.name; });

TEST(ParseLifecycleTest, AThousandRulesAreTakenAndOneMoreIsNot) {
  std::string rules;
  for (std::size_t i = 0; i < kMaxLifecycleRules; ++i) {
    rules += "<Rule><ID>" + std::to_string(i) + "</ID><Filter/><Status>Enabled</Status>" + kDays + "</Rule>";
  }
  const auto most = parse_lifecycle(configuration(rules));
  ASSERT_TRUE(most) << most.error().message;
  EXPECT_EQ(most->size(), kMaxLifecycleRules);
  const auto more = parse_lifecycle(
      configuration(rules + "<Rule><ID>more</ID><Filter/><Status>Enabled</Status>" + kDays + "</Rule>"));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().code, "MalformedXML");
}

LifecycleRule expiring(std::string id, std::string prefix, unsigned count, bool enabled = true) {
  return {.id = std::move(id),
          .enabled = enabled,
          .prefix = std::move(prefix),
          .prefix_in_filter = true,
          .expiration = days(count),
          .abort_upload = days(count + 1)};
}

TEST(LifecycleRulesTest, TheShortestEnabledRuleThatMatchesDecides) {
  const LifecycleRules rules = {expiring("off", "", 1, false), expiring("all", "", 9), expiring("a", "a/", 4),
                                expiring("twin", "a/", 4), expiring("ab", "a/b", 20)};
  EXPECT_EQ(expiration_rule(rules, "x")->id, "all");
  EXPECT_EQ(expiration_rule(rules, "a/c")->id, "a");
  EXPECT_EQ(expiration_rule(rules, "a/b")->id, "a");
  EXPECT_EQ(incomplete_upload_age(rules, "x"), days(10));
  EXPECT_EQ(incomplete_upload_age(rules, "a/b"), days(5));
}

TEST(LifecycleRulesTest, WithoutAMatchingRuleNothingIsSaidOfObjectsAndUploadsGetAWeek) {
  const LifecycleRules rules = {expiring("a", "a/", 4)};
  EXPECT_EQ(expiration_rule(rules, "b"), nullptr);
  EXPECT_EQ(expiration_rule({}, "b"), nullptr);
  EXPECT_EQ(incomplete_upload_age(rules, "b"), days(7));
}

}  // namespace
}  // namespace s3link::s3
