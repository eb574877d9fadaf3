#include "adapters/aws/endpoint.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace s3link::aws {
namespace {

using testing::HasSubstr;
using Environment = std::map<std::string, std::string, std::less<>>;

Variables variables(Environment environment) {
  return [environment = std::move(environment)](std::string_view name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
}

/// As a URL, with '!' behind it where a variable named it.
std::string shown(const Endpoint& endpoint) {
  return endpoint.scheme + "://" + endpoint.authority() + endpoint.base + (endpoint.custom ? "!" : "");
}

struct EndpointCase {
  std::string name;
  Service service;
  std::string region;
  Environment environment;
  std::string want;
};
const std::vector<EndpointCase> kEndpointCases = {
    {"Ses", Service::ses, "eu-central-1", {}, "https://email.eu-central-1.amazonaws.com"},
    {"DynamoDb", Service::dynamodb, "us-east-1", {}, "https://dynamodb.us-east-1.amazonaws.com"},
    {"Secrets", Service::secrets_manager, "eu-west-3", {}, "https://secretsmanager.eu-west-3.amazonaws.com"},
    {"S3", Service::s3, "us-gov-west-1", {}, "https://s3.us-gov-west-1.amazonaws.com"},
    {"China", Service::s3, "cn-north-1", {}, "https://s3.cn-north-1.amazonaws.com.cn"},
    {"OneForAll",
     Service::ses,
     "eu-central-1",
     {{"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"}},
     "http://127.0.0.1:4566!"},
    {"ItsOwnGoesFirst",
     Service::ses,
     "eu-central-1",
     {{"AWS_ENDPOINT_URL", "http://127.0.0.1:1"}, {"AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:2"}},
     "http://127.0.0.1:2!"},
    {"AnothersDoesNotCount",
     Service::s3,
     "eu-central-1",
     {{"AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:2"}},
     "https://s3.eu-central-1.amazonaws.com"},
    {"NameOfDynamoDb",
     Service::dynamodb,
     "eu-central-1",
     {{"AWS_ENDPOINT_URL_DYNAMODB", "https://ddb.test"}},
     "https://ddb.test!"},
    {"NameOfSecrets",
     Service::secrets_manager,
     "eu-central-1",
     {{"AWS_ENDPOINT_URL_SECRETS_MANAGER", "https://sm.test:443"}},
     "https://sm.test!"},
    {"NameOfS3", Service::s3, "eu-central-1", {{"AWS_ENDPOINT_URL_S3", "HTTP://s3.test:80/"}}, "http://s3.test!"},
    {"Ignored",
     Service::s3,
     "eu-central-1",
     {{"AWS_ENDPOINT_URL", "http://127.0.0.1:4566"}, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True"}},
     "https://s3.eu-central-1.amazonaws.com"},
    {"Path",
     Service::ses,
     "eu-central-1",
     {{"AWS_ENDPOINT_URL", "https://gateway.test/aws/ses%20v2//"}},
     "https://gateway.test/aws/ses%20v2!"},
    {"Ipv6", Service::ses, "eu-central-1", {{"AWS_ENDPOINT_URL", "http://[::1]:8000"}}, "http://[::1]:8000!"},
};
class EndpointTest : public testing::TestWithParam<EndpointCase> {};
TEST_P(EndpointTest, IsWhereTheServiceIsReached) {
  const auto& row = GetParam();
  const auto endpoint = endpoint_of(row.service, row.region, variables(row.environment));
  ASSERT_TRUE(endpoint) << endpoint.error().message;
  EXPECT_EQ(shown(*endpoint), row.want);
  EXPECT_EQ(endpoint->service, row.service);
}
INSTANTIATE_TEST_SUITE_P(Table, EndpointTest, testing::ValuesIn(kEndpointCases),
                         [](const auto& row) { return row.param.name; });

struct RefusedCase {
  std::string name, region, url, want;
};
const std::vector<RefusedCase> kRefusedCases = {
    {"NoRegion", "", "", "AWS_REGION"},
    {"RegionWithHost", "evil.example/", "", "AWS_REGION"},
    {"NoScheme", "eu-central-1", "127.0.0.1:4566", "AWS_ENDPOINT_URL_SESV2"},
    {"OtherScheme", "eu-central-1", "ftp://127.0.0.1", "AWS_ENDPOINT_URL_SESV2"},
    {"NoHost", "eu-central-1", "http://:80", "AWS_ENDPOINT_URL_SESV2"},
    {"UserInUrl", "eu-central-1", "http://user:password@host", "AWS_ENDPOINT_URL_SESV2"},
    {"PortZero", "eu-central-1", "http://host:0", "AWS_ENDPOINT_URL_SESV2"},
    {"PortTooLarge", "eu-central-1", "http://host:65536", "AWS_ENDPOINT_URL_SESV2"},
    {"Query", "eu-central-1", "http://host/a?b=c", "AWS_ENDPOINT_URL_SESV2"},
    {"LineBreak", "eu-central-1", "http://host/a\r\nX: y", "AWS_ENDPOINT_URL_SESV2"},
    {"BrokenEscape", "eu-central-1", "http://host/%zz", "AWS_ENDPOINT_URL_SESV2"},
    {"OpenBracket", "eu-central-1", "http://[::1", "AWS_ENDPOINT_URL_SESV2"},
};
class EndpointRefusedTest : public testing::TestWithParam<RefusedCase> {};
TEST_P(EndpointRefusedTest, NamesTheVariableNotItsValue) {
  const auto& row = GetParam();
  const auto endpoint = endpoint_of(Service::ses, row.region, variables({{"AWS_ENDPOINT_URL_SESV2", row.url}}));
  ASSERT_FALSE(endpoint);
  EXPECT_EQ(endpoint.error().kind, ErrorKind::invalid_argument);
  EXPECT_THAT(endpoint.error().message, HasSubstr(row.want));
  EXPECT_THAT(endpoint.error().message, testing::Not(HasSubstr("password")));
}
INSTANTIATE_TEST_SUITE_P(Table, EndpointRefusedTest, testing::ValuesIn(kRefusedCases),
                         [](const auto& row) { return row.param.name; });

TEST(EndpointNamesTest, SigningAndDisplayNames) {
  EXPECT_EQ(signing_name(Service::ses), "ses");
  EXPECT_EQ(signing_name(Service::secrets_manager), "secretsmanager");
  EXPECT_EQ(display_name(Service::dynamodb), "DynamoDB");
  EXPECT_EQ(display_name(Service::s3), "S3");
}

}  // namespace
}  // namespace s3link::aws
