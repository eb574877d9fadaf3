#include "adapters/aws/ses_sender.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "adapters/aws/aws_fixture_test.hpp"

namespace s3link::aws {
namespace {

namespace json = boost::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr const char* kUrl = "https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0a1b";

class SesSenderTest : public AwsTest {
 protected:
  static ports::TemplateMail a_mail() {
    return {.sender = "Files <files@example.org>",
            .recipient = *mail::Address::parse("ann@example.org"),
            .template_name = "LinkTemplate",
            .configuration_set = "events",
            .template_data = Secret(std::string(R"({"FILE_NAME":"a \"b\" é.pdf","LINK":")") + kUrl + "\"}"),
            .headers = {{"Auto-Submitted", "auto-generated"}, {"X-s3link-Id", "42"}},
            .tags = {{"bucket", "file-exchange"}}};
  }
  auto send(ports::TemplateMail mail) { return run_sync(sender.send(std::move(mail), in(25s), under)); }
  json::value sent() const { return json::parse(last().body); }

  SesSender sender{caller, at(Service::ses)};
};

TEST_F(SesSenderTest, TheRequestNamesTemplateRecipientAndTags) {
  http.answers.push_back(answer(200, R"({"MessageId":"0107-1"})"));
  const auto receipt = send(a_mail());
  ASSERT_TRUE(receipt);
  EXPECT_EQ(receipt->message_id, "0107-1");
  EXPECT_EQ(last().request.method, "POST");
  EXPECT_EQ(last().request.target, "/v2/email/outbound-emails");
  EXPECT_EQ(last().field("Content-Type"), "application/json");
  const json::value want = {{"FromEmailAddress", "Files <files@example.org>"},
                            {"Destination", {{"ToAddresses", json::array{"ann@example.org"}}}},
                            {"Content",
                             {{"Template",
                               {{"TemplateName", "LinkTemplate"},
                                {"TemplateData", a_mail().template_data.reveal()},
                                {"Headers", json::array{{{"Name", "Auto-Submitted"}, {"Value", "auto-generated"}},
                                                        {{"Name", "X-s3link-Id"}, {"Value", "42"}}}}}}}},
                            {"EmailTags", json::array{json::object{{"Name", "bucket"}, {"Value", "file-exchange"}}}},
                            {"ConfigurationSetName", "events"}};
  EXPECT_EQ(sent(), want) << last().body;
}

TEST_F(SesSenderTest, WhatIsEmptyIsLeftOut) {
  http.answers.push_back(answer(200, R"({"MessageId":"m"})"));
  auto mail = a_mail();
  mail.configuration_set.clear();
  mail.headers.clear();
  mail.tags.clear();
  ASSERT_TRUE(send(std::move(mail)));
  EXPECT_FALSE(sent().as_object().contains("ConfigurationSetName"));
  EXPECT_FALSE(sent().as_object().contains("EmailTags"));
  EXPECT_FALSE(sent().at("Content").at("Template").as_object().contains("Headers"));
}

struct SenderCase {
  std::string name, sender, want;
};
const std::vector<SenderCase> kSenderCases = {
    {"Bare", "files@example.org", "files@example.org"},
    {"Quoted", R"("Files, Inc." <files@example.org>)", R"("Files, Inc." <files@example.org>)"},
    {"Utf8", "Dateien für alle <files@example.org>", "=?utf-8?B?RGF0ZWllbiBmw7xyIGFsbGU=?= <files@example.org>"},
    {"QuotedUtf8", R"("Dateien für alle" <files@example.org>)",
     "=?utf-8?B?RGF0ZWllbiBmw7xyIGFsbGU=?= <files@example.org>"},
};
class SesFromTest : public SesSenderTest, public testing::WithParamInterface<SenderCase> {};
TEST_P(SesFromTest, IsAscii) {
  http.answers.push_back(answer(200, R"({"MessageId":"m"})"));
  auto mail = a_mail();
  mail.sender = GetParam().sender;
  ASSERT_TRUE(send(std::move(mail)));
  EXPECT_EQ(std::string(sent().at("FromEmailAddress").as_string()), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, SesFromTest, testing::ValuesIn(kSenderCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(SesSenderTest, ALongNameBeyondAsciiStaysInOneLine) {
  http.answers.push_back(answer(200, R"({"MessageId":"m"})"));
  auto mail = a_mail();
  mail.sender = std::string(60, 'a') + std::string("ü ü ü ü ü ü ü ü") + " <files@example.org>";
  ASSERT_TRUE(send(std::move(mail)));
  EXPECT_THAT(std::string(sent().at("FromEmailAddress").as_string()), Not(HasSubstr("\n")));
}

struct FailureCase {
  std::string name;
  std::function<Answer()> answer;
  std::string code;
  ErrorKind kind;
  bool maybe_sent;
  std::string advice;  ///< a part of it
};
const std::vector<FailureCase> kFailureCases = {
    {"NotVerified",
     [] {
       return refusal(400, "MessageRejected",
                      "Email address is not verified. The following identities failed the check in region "
                      "EU-CENTRAL-1: files@example.org");
     },
     "MessageRejected", ErrorKind::denied, false, "sandbox"},
    {"RejectedContent", [] { return refusal(400, "MessageRejected", "Illegal content"); }, "MessageRejected",
     ErrorKind::denied, false, "does not take this mail"},
    {"MailFrom", [] { return refusal(400, "MailFromDomainNotVerifiedException"); },
     "MailFromDomainNotVerifiedException", ErrorKind::denied, false, "MX record"},
    {"Suspended", [] { return refusal(400, "AccountSuspendedException"); }, "AccountSuspendedException",
     ErrorKind::denied, false, "Support Center"},
    {"Paused", [] { return refusal(400, "SendingPausedException"); }, "SendingPausedException", ErrorKind::denied,
     false, "paused"},
    {"NoTemplate", [] { return refusal(404, "NotFoundException", "Template LinkTemplate does not exist."); },
     "NotFoundException", ErrorKind::denied, false, "no such template in the region eu-central-1"},
    {"NoConfigurationSet",
     [] { return refusal(404, "NotFoundException", "Configuration set <events> does not exist."); },
     "NotFoundException", ErrorKind::denied, false, "EmailConfigurationSetName"},
    {"NotAllowed", [] { return refusal(403, "AccessDeniedException", "is not authorized to perform: ses:SendEmail"); },
     "AccessDeniedException", ErrorKind::denied, false, "role"},
    {"DailyQuota", [] { return refusal(400, "ThrottlingException", "Daily message quota exceeded."); },
     "ThrottlingException", ErrorKind::transient, false, "sending quota"},
    {"Certificate", [] { return Answer(fail(ErrorKind::denied, "h: certificate: self-signed", "connection")); },
     "connection", ErrorKind::denied, false, "AWS_ENDPOINT_URL_SESV2"},
    {"BadRequest", [] { return refusal(400, "BadRequestException", "odd"); }, "BadRequestException", ErrorKind::denied,
     false, ""},
    {"Lost", no_answer, "unknown", ErrorKind::transient, true, ""},
    {"Gateway", [] { return answer(504, "<html></html>"); }, "unknown", ErrorKind::transient, true, ""},
    {"SomebodyElses200", [] { return answer(200, "<html>log in first</html>"); }, "unknown", ErrorKind::transient, true,
     ""},
};
class SesFailureTest : public SesSenderTest, public testing::WithParamInterface<FailureCase> {};
TEST_P(SesFailureTest, SaysWhatHappenedAndWhatToDo) {
  const auto& row = GetParam();
  http.answers.push_back(row.answer());
  const auto receipt = send(a_mail());
  ASSERT_FALSE(receipt);
  EXPECT_THAT(http.exchanges, SizeIs(1)) << "what may have been sent, or cannot succeed now, is not repeated";
  EXPECT_EQ(receipt.error().error.code, row.code);
  EXPECT_EQ(receipt.error().error.kind, row.kind);
  EXPECT_EQ(receipt.error().maybe_sent, row.maybe_sent);
  EXPECT_THAT(receipt.error().advice, HasSubstr(row.advice));
  EXPECT_EQ(receipt.error().advice.empty(), row.advice.empty());
  EXPECT_THAT(receipt.error().advice, Not(HasSubstr("{}")));
  EXPECT_THAT(receipt.error().error.message, Not(IsEmpty()));
  EXPECT_THAT(under.children, SizeIs(1));
}
INSTANTIATE_TEST_SUITE_P(Table, SesFailureTest, testing::ValuesIn(kFailureCases),
                         [](const auto& row) { return row.param.name; });

struct RepeatedCase {
  std::string name;
  std::function<Answer()> answer;
};
const std::vector<RepeatedCase> kRepeatedCases = {
    {"Rate", [] { return refusal(429, "TooManyRequestsException", "Maximum sending rate exceeded."); }},
    {"Unavailable", [] { return refusal(503, "ServiceUnavailableException"); }},
    {"NotConnected", not_connected},
};
class SesRepeatedTest : public SesSenderTest, public testing::WithParamInterface<RepeatedCase> {};
TEST_P(SesRepeatedTest, WhatWasCertainlyNotSentIsTriedAgain) {
  http.answers = {GetParam().answer(), GetParam().answer(), answer(200, R"({"MessageId":"m"})")};
  EXPECT_TRUE(send(a_mail()));
  EXPECT_THAT(http.exchanges, SizeIs(3));
}
INSTANTIATE_TEST_SUITE_P(Table, SesRepeatedTest, testing::ValuesIn(kRepeatedCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(SesSenderTest, TheLinkIsInNoErrorAndNoSegment) {
  http.answers.push_back(refusal(400, "BadRequestException", std::string("cannot render ") + kUrl));
  const auto receipt = send(a_mail());
  ASSERT_FALSE(receipt);
  EXPECT_THAT(receipt.error().error.message, Not(HasSubstr("X-Amz-")));
  EXPECT_THAT(under.children[0].cause->message, Not(HasSubstr("X-Amz-")));
}

}  // namespace
}  // namespace s3link::aws
