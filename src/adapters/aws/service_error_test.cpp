#include "adapters/aws/service_error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "core/base/encoding.hpp"

namespace s3link::aws {
namespace {

struct ReadCase {
  std::string name;
  ports::HttpFields fields;
  std::string body, code, message;
};
const std::vector<ReadCase> kReadCases = {
    {"Header", {{"x-amzn-ErrorType", "MessageRejected"}}, R"({"message":"no"})", "MessageRejected", "no"},
    {"HeaderWithUrl",
     {{"X-Amzn-Errortype", "ValidationException:http://internal.amazon.com/coral/com.amazon.coral.validate/"}},
     R"({"message":"no"})",
     "ValidationException",
     "no"},
    {"HeaderWithNamespace", {{"x-amzn-ErrorType", "aws.protocoltests#FooError:http://a/"}}, "{}", "FooError", ""},
    {"HeaderGoesFirst", {{"x-amzn-ErrorType", "A"}}, R"({"__type":"B","code":"C"})", "A", ""},
    {"HeaderAlone", {{"x-amzn-ErrorType", "A"}}, "", "A", ""},
    {"Type",
     {},
     R"({"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","message":"failed"})",
     "ConditionalCheckFailedException",
     "failed"},
    {"CapitalMessage",
     {},
     R"({"__type":"AccessDeniedException","Message":"may not"})",
     "AccessDeniedException",
     "may not"},
    {"Code", {}, R"({"code":"FooError","message":"m"})", "FooError", "m"},
    {"Xml",
     {},
     R"(<?xml version="1.0" encoding="UTF-8"?><Error><Code>NoSuchBucket</Code><Message>a &amp; b</Message></Error>)",
     "NoSuchBucket",
     "a & b"},
    {"NumberIsNoCode", {}, R"({"code":503,"message":"m"})", "", "m"},
    {"SentenceIsNoCode", {}, R"({"code":"out of order"})", "", ""},
    {"Html", {}, "<html><body><h1>502 Bad Gateway</h1></body></html>", "", ""},
    {"BrokenJson", {}, R"({"__type":"A")", "", ""},
    {"Array", {}, R"([{"__type":"A"}])", "", ""},
    {"Nothing", {}, "", "", ""},
};
class ServiceErrorTest : public testing::TestWithParam<ReadCase> {};
TEST_P(ServiceErrorTest, CodeAndMessage) {
  const auto& row = GetParam();
  const auto error = read_service_error({.status = 400, .fields = row.fields, .body = row.body});
  EXPECT_EQ(error.code, row.code);
  EXPECT_EQ(error.message, row.message);
}
INSTANTIATE_TEST_SUITE_P(Table, ServiceErrorTest, testing::ValuesIn(kReadCases),
                         [](const auto& row) { return row.param.name; });

struct KindCase {
  std::string name;
  unsigned status;
  std::string code;
  ErrorKind want;
  bool throttle = false;
};
const std::vector<KindCase> kKindCases = {
    {"SesRate", 429, "TooManyRequestsException", ErrorKind::transient, true},
    {"NoCode429", 429, "", ErrorKind::transient, true},
    {"DynamoDbThroughput", 400, "ProvisionedThroughputExceededException", ErrorKind::transient, true},
    {"DynamoDbThrottling", 400, "ThrottlingException", ErrorKind::transient, true},
    {"DynamoDbRequestLimit", 400, "RequestLimitExceeded", ErrorKind::transient, true},
    {"S3SlowDown", 503, "SlowDown", ErrorKind::transient, true},
    {"Internal", 500, "InternalServerError", ErrorKind::transient},
    {"Unavailable", 503, "ServiceUnavailableException", ErrorKind::transient},
    {"Gateway", 502, "", ErrorKind::transient},
    {"S3RequestTimeout", 400, "RequestTimeout", ErrorKind::transient},
    {"Condition", 400, "ConditionalCheckFailedException", ErrorKind::conflict},
    {"S3Denied", 403, "AccessDenied", ErrorKind::denied},
    {"DynamoDbDenied", 400, "AccessDeniedException", ErrorKind::denied},
    {"DynamoDbUnknownKey", 400, "UnrecognizedClientException", ErrorKind::denied},
    {"S3Expired", 400, "ExpiredToken", ErrorKind::denied},
    {"SesExpired", 403, "ExpiredTokenException", ErrorKind::denied},
    {"Skewed", 403, "RequestTimeTooSkewed", ErrorKind::denied},
    {"Decryption", 400, "DecryptionFailure", ErrorKind::denied},
    {"ProxyWantsLogin", 407, "", ErrorKind::denied},
    {"NoTable", 400, "ResourceNotFoundException", ErrorKind::not_found},
    {"NoBucket", 404, "NoSuchBucket", ErrorKind::not_found},
    {"NoTemplate", 404, "NotFoundException", ErrorKind::not_found},
    {"Rejected", 400, "MessageRejected", ErrorKind::invalid_argument},
    {"Validation", 400, "ValidationException", ErrorKind::invalid_argument},
    {"OtherRegion", 301, "PermanentRedirect", ErrorKind::invalid_argument},
};
class ErrorKindTest : public testing::TestWithParam<KindCase> {};
TEST_P(ErrorKindTest, SaysWhatTheCallerCanDo) {
  const auto& row = GetParam();
  EXPECT_EQ(kind_of(row.status, row.code), row.want);
  EXPECT_EQ(is_throttle(row.status, row.code), row.throttle);
}
INSTANTIATE_TEST_SUITE_P(Table, ErrorKindTest, testing::ValuesIn(kKindCases),
                         [](const auto& row) { return row.param.name; });

struct MessageCase {
  std::string name, text, want;
};
const std::vector<MessageCase> kMessageCases = {
    {"Plain", "Email address is not verified.", "Email address is not verified."},
    {"Lines", "a\r\n\tb\x1B[31mc\x7F", "a b [31mc"},
    {"C1Controls", "a\xC2\x85z", "a z"},
    {"Utf8", "Größe 🙂", "Größe 🙂"},
    {"NotUtf8", "a\xFF\x62", "a?b"},
    {"CanonicalRequest",
     "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n"
     "'POST\n/\n\nhost:h\nx-amz-security-token:abc'",
     "The request signature we calculated does not match."},
    {"InTwoLines", "no. The\nCanonical String follows", "no."},
    {"PresignedUrl", "Bad data https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4&X-Amz-Signature=1",
     "Bad data https://b.s3.amazonaws.com/k?"},
    {"Signature", "got X-Amz-Signature=0123", "got"},
    {"Secret", "the token swordfish is expired", "the token"},
    {"HeaderNameMayBeNamed", "x-amz-content-sha256 is missing", "x-amz-content-sha256 is missing"},
};
class CleanMessageTest : public testing::TestWithParam<MessageCase> {};
TEST_P(CleanMessageTest, MayBeShown) {
  const std::array<std::string_view, 2> secrets = {"", "swordfish"};
  EXPECT_EQ(clean_message(GetParam().text, secrets), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, CleanMessageTest, testing::ValuesIn(kMessageCases),
                         [](const auto& row) { return row.param.name; });

TEST(CleanMessageBoundTest, EndsBetweenCharacters) {
  std::string text(kMaxMessageBytes - 1, 'a');
  for (int i = 0; i < 100; ++i) text += "ö";
  const std::string clean = clean_message(text, {});
  EXPECT_EQ(clean, std::string(kMaxMessageBytes - 1, 'a'));
  EXPECT_TRUE(is_utf8(clean));
}

TEST(CleanMessageBoundTest, ASecretThatBeginsBeforeTheBoundIsLeftOutWhole) {
  const std::string secret(2'000, 's');
  const std::array<std::string_view, 1> secrets = {secret};
  EXPECT_EQ(clean_message(std::string(900, 'a') + secret, secrets), std::string(900, 'a'));
}

}  // namespace
}  // namespace s3link::aws
