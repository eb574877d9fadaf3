#include "services/lambda/link_mail.hpp"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <chrono>
#include <set>
#include <string>
#include <vector>

namespace s3link::lambda {
namespace {

using namespace std::chrono_literals;

const Instant kNow = std::chrono::sys_days(std::chrono::December / 8 / 2026) + 9h;

mail::LinkMailData data_about(std::string_view key) {
  return {.link = {},
          .bucket = "file-exchange",
          .key = key,
          .size_bytes = 1'234'567,
          .sha256 = {},
          .sender_name = "Files & more",
          .now = kNow,
          .deadline = kNow + 5h,
          .removed_at = kNow + 39h};
}

boost::json::object filled(const mail::LinkMailData& data, std::string link = "https://b.example/k?a=1&b=2") {
  return boost::json::parse(template_data(data, Secret(std::move(link))).reveal()).as_object();
}

TEST(TemplateData, HasEveryVariableOfALinkMailAndNoOther) {
  std::set<std::string, std::less<>> want = {"REMOVED_LATER", "FILE_NAME_TEXT", "KEY_TEXT", "SENDER_NAME_TEXT"};
  for (const auto name : mail::kLinkVariables) want.emplace(name);
  std::set<std::string, std::less<>> names;
  for (const auto& member : filled(data_about("in/a.txt"))) names.emplace(member.key());
  EXPECT_EQ(names, want);
}

struct ValueCase {
  std::string name, variable, want;
};
const std::vector<ValueCase> kValueCases = {
    {"link_is_not_escaped", "LINK", "https://b.example/k?a=1&b=2"},
    {"file_name_for_html", "FILE_NAME", "a &amp; &lt;b&gt; &quot;c&quot;.txt"},
    {"file_name_for_text", "FILE_NAME_TEXT", R"(a & <b> "c".txt)"},
    {"key_for_html", "KEY", "in/a &amp; &lt;b&gt; &quot;c&quot;.txt"},
    {"key_for_text", "KEY_TEXT", R"(in/a & <b> "c".txt)"},
    {"sender_for_html", "SENDER_NAME", "Files &amp; more"},
    {"sender_for_text", "SENDER_NAME_TEXT", "Files & more"},
    {"bucket", "BUCKET", "file-exchange"},
    {"size", "FILE_SIZE", "1.2 MB (1,234,567 bytes)"},
    {"deadline", "EXPIRES_AT", "Tuesday, 8 December 2026, 14:00:00 UTC"},
    {"deadline_in_short", "EXPIRES_SHORT", "8 Dec 14:00 UTC"},
    {"time_left", "EXPIRES_IN", "5 hours"},
    {"removal", "REMOVED_AT", "Thursday, 10 December 2026, 00:00:00 UTC"},
    {"no_digest_is_empty", "SHA256", ""},
};
class ValueTest : public testing::TestWithParam<ValueCase> {};
TEST_P(ValueTest, StandsInTheData) {
  EXPECT_EQ(filled(data_about(R"(in/a & <b> "c".txt)")).at(GetParam().variable).as_string(), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, ValueTest, testing::ValuesIn(kValueCases),
                         [](const auto& row) { return row.param.name; });

TEST(TemplateData, SaysWhetherTheFileOutlivesItsLink) {
  auto data = data_about("k");
  EXPECT_TRUE(filled(data).at("REMOVED_LATER").as_bool());
  data.removed_at = data.deadline;
  EXPECT_FALSE(filled(data).at("REMOVED_LATER").as_bool());
}

TEST(TemplateData, IsJsonWhateverTheKeyHolds) {
  std::string key = "\"\\\x01\x7F\xC2\x85 \xF0\x9F\x98\x80 ";
  key += std::string(900, '\n');
  EXPECT_EQ(filled(data_about(key)).at("KEY_TEXT").as_string(), "\"\\  \xF0\x9F\x98\x80");
}

ports::ClaimKey claim() {
  return {.bucket = "b",
          .key = "k",
          .version = "etag",
          .recipient = "you@example.net",
          .sequencer = "0A",
          .seen = kNow,
          .modified = {}};
}

TEST(MailId, IsADigestAndStaysTheSameWhenTheMailIsRepeated) {
  auto again = claim();
  again.seen += 1h;
  EXPECT_EQ(mail_id(claim()), mail_id(again));
  EXPECT_EQ(mail_id(claim()).size(), 64U);
}

TEST(MailId, OfWhatAListingFoundIsOfItsModification) {
  auto found = claim();
  found.sequencer.clear();
  found.modified = kNow - 1h;
  auto later = found;
  later.seen += 1h;
  EXPECT_EQ(mail_id(found), mail_id(later));
  later.modified += 1s;
  EXPECT_NE(mail_id(found), mail_id(later));
}

struct OtherCase {
  std::string name;
  void (*change)(ports::ClaimKey&);
};
const std::vector<OtherCase> kOtherCases = {
    {"bucket", [](ports::ClaimKey& key) { key.bucket = "c"; }},
    {"key", [](ports::ClaimKey& key) { key.key = "l"; }},
    {"version", [](ports::ClaimKey& key) { key.version = "other"; }},
    {"recipient", [](ports::ClaimKey& key) { key.recipient = "me@example.net"; }},
    {"sequencer", [](ports::ClaimKey& key) { key.sequencer = "0B"; }},
    {"the_parts_cannot_flow_together",
     [](ports::ClaimKey& key) {
       key.bucket = "b1:k";
       key.key = "";
     }},
};
class OtherTest : public testing::TestWithParam<OtherCase> {};
TEST_P(OtherTest, HasAnotherId) {
  auto other = claim();
  GetParam().change(other);
  EXPECT_NE(mail_id(other), mail_id(claim()));
}
INSTANTIATE_TEST_SUITE_P(Table, OtherTest, testing::ValuesIn(kOtherCases),
                         [](const auto& row) { return row.param.name; });

struct TextCase {
  std::string name, text, want;
};
const std::vector<TextCase> kTagCases = {
    {"as_it_is", "aZ09_-", "aZ09_-"},
    {"dots_and_slashes", "my.bucket/key", "my_bucket_key"},
    {"two_bytes_two_marks", "\xC3\xA4", "__"},
    {"cut", std::string(300, 'a'), std::string(256, 'a')},
    {"empty", "", ""},
};
class TagTest : public testing::TestWithParam<TextCase> {};
TEST_P(TagTest, IsWhatSesTakes) { EXPECT_EQ(tag_value(GetParam().text), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, TagTest, testing::ValuesIn(kTagCases), [](const auto& row) { return row.param.name; });

const std::vector<TextCase> kSenderCases = {
    {"name", "Files <files@example.org>", "Files"},
    {"quoted", R"("Files, Inc." <files@example.org>)", "Files, Inc."},
    {"escaped", R"("a \"b\" \\c" <files@example.org>)", R"(a "b" \c)"},
    {"bare", "files@example.org", ""},
    {"in_brackets_alone", "<files@example.org>", ""},
    {"bracket_in_the_name", "a<b <files@example.org>", "a<b"},
    {"quote_alone", R"(" <files@example.org>)", R"(")"},
};
class SenderTest : public testing::TestWithParam<TextCase> {};
TEST_P(SenderTest, NameIsFound) { EXPECT_EQ(sender_name(GetParam().text), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, SenderTest, testing::ValuesIn(kSenderCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::lambda
