#include "adapters/aws/secrets_manager.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/aws/aws_fixture_test.hpp"

namespace s3link::aws {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

Answer secret(const std::string& id, const std::string& key) {
  return answer(200, R"({"ARN":"arn","SecretString":"{\"AccessKeyId\":\")" + id + R"(\",\"SecretAccessKey\":\")" + key +
                         R"(\"}"})");
}

class SecretsManagerTest : public AwsTest {
 protected:
  auto get() { return run_sync(source.get(in(25s), under)); }
  /// The pair's id, or the error's code.
  std::string got() {
    const auto pair = get();
    return pair ? (*pair)->access_key_id : pair.error().code;
  }
  SecretsManagerCredentials source{caller, at(Service::secrets_manager), "arn:aws:secretsmanager:…:signer", clock};
};

TEST_F(SecretsManagerTest, ThePairIsReadOnce) {
  http.answers.push_back(secret("AKIA1", "key/1+"));
  const auto first = get();
  ASSERT_TRUE(first);
  EXPECT_EQ((*first)->access_key_id, "AKIA1");
  EXPECT_EQ((*first)->secret_access_key.reveal(), "key/1+");
  EXPECT_TRUE((*first)->session_token.empty());
  EXPECT_EQ(last().request.host, "secretsmanager.eu-central-1.amazonaws.com");
  EXPECT_EQ(last().request.target, "/");
  EXPECT_EQ(last().field("X-Amz-Target"), "secretsmanager.GetSecretValue");
  EXPECT_EQ(last().field("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(last().body, R"({"SecretId":"arn:aws:secretsmanager:…:signer"})");

  clock.advance(SecretsManagerCredentials::kMaxAge - 1ms);
  EXPECT_EQ(get(), first);
  EXPECT_THAT(http.exchanges, SizeIs(1));
}

TEST_F(SecretsManagerTest, AnOldPairIsReadAnew) {
  http.answers = {secret("AKIA1", "k"), secret("AKIA2", "k")};
  EXPECT_EQ(got(), "AKIA1");
  clock.advance(SecretsManagerCredentials::kMaxAge);
  EXPECT_EQ(got(), "AKIA2");
  EXPECT_THAT(http.exchanges, SizeIs(2));
}

TEST_F(SecretsManagerTest, AnOldPairThatCannotBeReadAnewStandsAndIsLookedForAgain) {
  http.answers = {secret("AKIA1", "k"), refusal(400, "ResourceNotFoundException"), secret("AKIA2", "k")};
  EXPECT_EQ(got(), "AKIA1");
  clock.advance(SecretsManagerCredentials::kMaxAge);
  EXPECT_EQ(got(), "AKIA1");
  EXPECT_EQ(got(), "AKIA1");
  EXPECT_THAT(http.exchanges, SizeIs(2));
  clock.advance(SecretsManagerCredentials::kMinAge);
  EXPECT_EQ(got(), "AKIA2");
}

TEST_F(SecretsManagerTest, ARefusedPairIsReadAgain) {
  http.answers = {secret("AKIA1", "k"), secret("AKIA2", "k")};
  EXPECT_EQ(got(), "AKIA1");
  clock.advance(SecretsManagerCredentials::kMinAge);
  source.refused();
  EXPECT_EQ(got(), "AKIA2");
  EXPECT_EQ(got(), "AKIA2");
  EXPECT_THAT(http.exchanges, SizeIs(2));
}

TEST_F(SecretsManagerTest, AYoungPairStandsAndTheRefusalIsRemembered) {
  http.answers = {secret("AKIA1", "k"), secret("AKIA2", "k")};
  EXPECT_EQ(got(), "AKIA1");
  clock.advance(SecretsManagerCredentials::kMinAge - 1ms);
  source.refused();
  EXPECT_EQ(got(), "AKIA1");
  clock.advance(1ms);
  EXPECT_EQ(got(), "AKIA2");
}

TEST_F(SecretsManagerTest, ALastingErrorStandsForAWhile) {
  http.answers = {refusal(400, "ResourceNotFoundException"), secret("AKIA1", "k")};
  EXPECT_EQ(got(), "ResourceNotFoundException");
  clock.advance(SecretsManagerCredentials::kMinAge - 1ms);
  EXPECT_EQ(got(), "ResourceNotFoundException");
  EXPECT_THAT(http.exchanges, SizeIs(1));
  clock.advance(1ms);
  EXPECT_EQ(got(), "AKIA1");
}

TEST_F(SecretsManagerTest, APassingErrorIsNoReading) {
  http.answers = {secret("AKIA1", "k")};
  EXPECT_EQ(got(), "AKIA1");
  clock.advance(SecretsManagerCredentials::kMinAge);
  source.refused();
  http.otherwise = [](const auto&) { return not_connected(); };
  EXPECT_EQ(got(), "connection");
  http.otherwise = [](const auto&) { return secret("AKIA2", "k"); };
  EXPECT_EQ(got(), "AKIA2");
}

struct ErrorCase {
  std::string name, body;
  ErrorKind kind;
};
const std::vector<ErrorCase> kErrorCases = {
    {"NoJson", "<html>", ErrorKind::transient},
    {"Binary", R"({"SecretBinary":"AAAA"})", ErrorKind::invalid_argument},
    {"Text", R"({"SecretString":"hunter2"})", ErrorKind::invalid_argument},
    {"OtherMembers", R"({"SecretString":"{\"password\":\"hunter2\"}"})", ErrorKind::invalid_argument},
    {"EmptyKey", R"({"SecretString":"{\"AccessKeyId\":\"hunter2\",\"SecretAccessKey\":\"\"}"})",
     ErrorKind::invalid_argument},
    {"SlashInId", R"({"SecretString":"{\"AccessKeyId\":\"hunter2/../x\",\"SecretAccessKey\":\"k\"}"})",
     ErrorKind::invalid_argument},
    {"LineBreakInKey", R"({"SecretString":"{\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"hunter2\\n\"}"})",
     ErrorKind::invalid_argument},
    {"NumberAsKey", R"({"SecretString":"{\"AccessKeyId\":\"hunter2\",\"SecretAccessKey\":1}"})",
     ErrorKind::invalid_argument},
};
class SecretsManagerErrorTest : public SecretsManagerTest, public testing::WithParamInterface<ErrorCase> {};
TEST_P(SecretsManagerErrorTest, SaysNothingOfTheSecret) {
  http.answers.push_back(answer(200, GetParam().body));
  const auto pair = get();
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().kind, GetParam().kind);
  EXPECT_THAT(pair.error().message, Not(HasSubstr("hunter2")));
}
INSTANTIATE_TEST_SUITE_P(Table, SecretsManagerErrorTest, testing::ValuesIn(kErrorCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(SecretsManagerTest, ADeniedReadingIsDenied) {
  http.answers.push_back(
      refusal(400, "AccessDeniedException", "not authorized to perform: secretsmanager:GetSecretValue"));
  const auto pair = get();
  ASSERT_FALSE(pair);
  EXPECT_EQ(pair.error().kind, ErrorKind::denied);
  EXPECT_THAT(under.children, SizeIs(1));
}

}  // namespace
}  // namespace s3link::aws
