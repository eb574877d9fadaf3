#include "adapters/aws/environment_credentials.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "support/run_sync.hpp"

namespace s3link::aws {
namespace {

using testing::HasSubstr;

Variables variables(std::map<std::string, std::string, std::less<>> environment) {
  return [environment = std::move(environment)](std::string_view name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::string() : found->second;
  };
}

TEST(EnvironmentCredentialsTest, AreThoseOfTheRole) {
  const auto pair = environment_credentials(
      variables({{"AWS_ACCESS_KEY_ID", "ASIA"}, {"AWS_SECRET_ACCESS_KEY", "secret"}, {"AWS_SESSION_TOKEN", "token"}}));
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->access_key_id, "ASIA");
  EXPECT_EQ(pair->secret_access_key.reveal(), "secret");
  EXPECT_EQ(pair->session_token.reveal(), "token");
}

TEST(EnvironmentCredentialsTest, ALastingPairHasNoToken) {
  const auto pair =
      environment_credentials(variables({{"AWS_ACCESS_KEY_ID", "AKIA"}, {"AWS_SECRET_ACCESS_KEY", "secret"}}));
  ASSERT_TRUE(pair);
  EXPECT_TRUE(pair->session_token.empty());
}

TEST(EnvironmentCredentialsTest, WhatIsMissingIsNamed) {
  const auto no_id = environment_credentials(variables({{"AWS_SECRET_ACCESS_KEY", "secret"}}));
  ASSERT_FALSE(no_id);
  EXPECT_EQ(no_id.error().kind, ErrorKind::invalid_argument);
  EXPECT_THAT(no_id.error().message, HasSubstr("AWS_ACCESS_KEY_ID"));
  const auto no_key = environment_credentials(variables({{"AWS_ACCESS_KEY_ID", "AKIA"}}));
  ASSERT_FALSE(no_key);
  EXPECT_THAT(no_key.error().message, HasSubstr("AWS_SECRET_ACCESS_KEY"));
}

TEST(FixedCredentialsTest, ARefusalChangesNothing) {
  const auto pair = std::make_shared<const sigv4::Credentials>();
  FixedCredentials source(pair);
  trace::Segment under;
  EXPECT_EQ(test_support::run_sync(source.get(Instant{}, under)), pair);
  source.refused();
  EXPECT_EQ(test_support::run_sync(source.get(Instant{}, under)), pair);
  EXPECT_TRUE(under.children.empty());
}

}  // namespace
}  // namespace s3link::aws
