#include "apps/bootstrap/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace s3link::bootstrap {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;
using Variables = std::map<std::string, std::string, std::less<>>;

const Variables kLeast = {{"EmailRecipient", "you@example.org"},
                          {"EmailSender", "noreply@example.org"},
                          {"EmailTemplateLinkName", "LinkTemplate-1"},
                          {"LinkExpirationPeriod", "18000"},
                          {"AWS_REGION", "eu-central-1"},
                          {"AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"},
                          {"AWS_SECRET_ACCESS_KEY", "secret"},
                          {"AWS_SESSION_TOKEN", "token"}};

aws::Variables lookup(Variables variables) {
  return [variables = std::move(variables)](std::string_view name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

aws::Variables with(const Variables& changes) {
  Variables all = changes;
  all.insert(kLeast.begin(), kLeast.end());
  return lookup(std::move(all));
}

std::vector<std::string> problems_of(const aws::Variables& variables) {
  const auto environment = read_environment(variables);
  return environment ? std::vector<std::string>() : environment.error();
}

TEST(Environment, WhatLambdaGives) {
  const auto environment = read_environment(with({}));
  ASSERT_TRUE(environment) << environment.error().front();
  EXPECT_EQ(environment->role->access_key_id, "ASIAEXAMPLE");
  EXPECT_EQ(environment->role->session_token.reveal(), "token");
  EXPECT_EQ(environment->ses.host, "email.eu-central-1.amazonaws.com");
  EXPECT_EQ(environment->dynamodb.host, "dynamodb.eu-central-1.amazonaws.com");
  EXPECT_EQ(environment->secrets_manager.host, "secretsmanager.eu-central-1.amazonaws.com");
  EXPECT_FALSE(environment->s3.custom);
  EXPECT_EQ(environment->ca_file, "");
}

TEST(Environment, EndpointsAndRootsCanBeNamed) {
  const auto environment = read_environment(
      with({{"AWS_ENDPOINT_URL_S3", "https://s3.example.org:9000"}, {"AWS_CA_BUNDLE", "/opt/ca.pem"}}));
  ASSERT_TRUE(environment) << environment.error().front();
  EXPECT_EQ(environment->s3.authority(), "s3.example.org:9000");
  EXPECT_EQ(environment->ca_file, "/opt/ca.pem");
}

TEST(Environment, EveryProblemIsNamed) {
  EXPECT_THAT(problems_of(lookup({{"AWS_REGION", "eu-central-1"}, {"AWS_ENDPOINT_URL_SESV2", "ftp://example.org"}})),
              testing::UnorderedElementsAre(StartsWith("EmailRecipient: "), StartsWith("EmailSender: "),
                                            StartsWith("EmailTemplateLinkName: "), StartsWith("LinkExpirationPeriod: "),
                                            StartsWith("AWS_ACCESS_KEY_ID "), StartsWith("AWS_ENDPOINT_URL_SESV2: ")));
}

TEST(Environment, WhatIsWrongForAllServicesIsNamedOnce) {
  EXPECT_THAT(problems_of(with({{"AWS_ENDPOINT_URL", "nowhere"}})), ElementsAre(StartsWith("AWS_ENDPOINT_URL: ")));
}

TEST(Environment, WithoutARegionNoEndpointIsComplainedAbout) {
  EXPECT_THAT(problems_of(with({{"AWS_REGION", ""}})), ElementsAre(StartsWith("AWS_REGION: is not set")));
}

TEST(Environment, LinksCannotBeginWithAPath) {
  EXPECT_THAT(problems_of(with({{"AWS_ENDPOINT_URL_S3", "https://example.org/s3"}})),
              ElementsAre(HasSubstr("AWS_ENDPOINT_URL_S3")));
  EXPECT_THAT(problems_of(with({{"AWS_ENDPOINT_URL_SESV2", "https://example.org/ses"}})), IsEmpty());
}

TEST(LogEnvironment, MetricsPassTheFilterOfTheFunctionsLevel) {
  const auto metrics_level = [](const char* level) {
    return read_log_environment(lookup({{"AWS_LAMBDA_LOG_LEVEL", level}})).metrics_level;
  };
  EXPECT_EQ(metrics_level(""), "INFO");
  EXPECT_EQ(metrics_level("DEBUG"), "INFO");
  EXPECT_EQ(metrics_level("WARN"), "WARN");
  EXPECT_EQ(metrics_level("ERROR"), "ERROR");
}

TEST(RuntimeApi, IsHostAndPort) {
  const auto api = runtime_api(lookup({{"AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"}}));
  ASSERT_TRUE(api);
  EXPECT_EQ(*api, (function::HostPort{.host = "127.0.0.1", .port = 9001}));
  for (const char* wrong : {"", "nowhere", "127.0.0.1:http"}) {
    const auto refused = runtime_api(lookup({{"AWS_LAMBDA_RUNTIME_API", wrong}}));
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, StartsWith("AWS_LAMBDA_RUNTIME_API: "));
  }
}

}  // namespace
}  // namespace s3link::bootstrap
