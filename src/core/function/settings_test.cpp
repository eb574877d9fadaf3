#include "core/function/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace s3link::function {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using Variables = std::map<std::string, std::string, std::less<>>;

const Variables kLeast = {{"EmailRecipient", "you@example.org"},
                          {"EmailSender", "noreply@example.org"},
                          {"EmailTemplateLinkName", "LinkTemplate-1"},
                          {"LinkExpirationPeriod", "18000"},
                          {"AWS_REGION", "eu-central-1"}};

std::expected<Settings, std::vector<std::string>> read(const Variables& variables) {
  return read_settings([&variables](std::string_view name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  });
}

Variables with(const Variables& changes) {
  Variables all = changes;
  all.insert(kLeast.begin(), kLeast.end());
  return all;
}

std::vector<std::string> problems_of(const Variables& variables) {
  const auto settings = read(variables);
  return settings ? std::vector<std::string>() : settings.error();
}

TEST(FunctionSettings, TheLeastThatIsNeeded) {
  const auto settings = read(kLeast);
  ASSERT_TRUE(settings) << settings.error().front();
  ASSERT_THAT(settings->recipients, SizeIs(1));
  EXPECT_EQ(settings->recipients[0].text(), "you@example.org");
  EXPECT_EQ(settings->sender, "noreply@example.org");
  EXPECT_EQ(settings->template_name, "LinkTemplate-1");
  EXPECT_EQ(settings->link_expiration, 5h);
  EXPECT_EQ(settings->object_ttl, std::chrono::days(1));
  EXPECT_EQ(settings->link_signer, LinkSigner::role);
  EXPECT_EQ(settings->region, "eu-central-1");
  EXPECT_THAT(settings->configuration_set, IsEmpty());
  EXPECT_THAT(settings->ledger_table, IsEmpty());
  EXPECT_FALSE(settings->exchange_bucket);
  EXPECT_FALSE(settings->xray_daemon);
}

TEST(FunctionSettings, Everything) {
  const auto settings = read({{"EmailRecipient", "a@example.org, b@example.org,a@EXAMPLE.org"},
                              {"EmailSender", "Files of Zoë <noreply@example.org>"},
                              {"EmailConfigurationSetName", "ConfigSet_1"},
                              {"EmailTemplateLinkName", "Link"},
                              {"LinkExpirationPeriod", "604800"},
                              {"ExchangableObjectsTTL", "7"},
                              {"LinkSigner", "IamUser"},
                              {"LinkSignerSecretArn", "arn:aws:secretsmanager:eu-central-1:1:secret:signer-AbCdEf"},
                              {"LedgerTableName", "Ledger-ABC"},
                              {"FileExchangeBucketName", "file-exchange"},
                              {"AWS_REGION", "cn-north-1"},
                              {"AWS_XRAY_DAEMON_ADDRESS", "169.254.79.129:2000"}});
  ASSERT_TRUE(settings) << settings.error().front();
  ASSERT_THAT(settings->recipients, SizeIs(2));
  EXPECT_EQ(settings->recipients[1].text(), "b@example.org");
  EXPECT_EQ(settings->sender, "Files of Zoë <noreply@example.org>");
  EXPECT_EQ(settings->configuration_set, "ConfigSet_1");
  EXPECT_EQ(settings->link_expiration, 168h);
  EXPECT_EQ(settings->object_ttl, std::chrono::days(7));
  EXPECT_EQ(settings->link_signer, LinkSigner::iam_user);
  EXPECT_THAT(settings->link_signer_secret_arn, HasSubstr("signer-AbCdEf"));
  EXPECT_EQ(settings->ledger_table, "Ledger-ABC");
  EXPECT_EQ(settings->exchange_bucket->text(), "file-exchange");
  EXPECT_EQ(settings->xray_daemon, (HostPort{"169.254.79.129", 2000}));
}

TEST(FunctionSettings, AllProblemsAreListedAtOnce) {
  EXPECT_THAT(problems_of({}), ElementsAre(StartsWith("EmailRecipient: "), StartsWith("EmailSender: "),
                                           "EmailTemplateLinkName: is not set", "LinkExpirationPeriod: is not set",
                                           "AWS_REGION: is not set"));
}

TEST(FunctionSettings, ASecretArnWithoutItsSignerIsNotUsed) {
  const auto settings = read(with({{"LinkSignerSecretArn", "arn:aws:secretsmanager:eu-central-1:1:secret:x"}}));
  ASSERT_TRUE(settings);
  EXPECT_THAT(settings->link_signer_secret_arn, IsEmpty());
}

struct BadCase {
  std::string name;
  Variables changes;
  std::string problem;  // its beginning
};
const std::vector<BadCase> kBadCases = {
    {"recipient_without_domain", {{"EmailRecipient", "you"}}, "EmailRecipient: "},
    {"empty_recipient_between", {{"EmailRecipient", "a@example.org,,b@example.org"}}, "EmailRecipient: "},
    {"comma_at_the_end", {{"EmailRecipient", "a@example.org,"}}, "EmailRecipient: "},
    {"sender_without_opening", {{"EmailSender", "a@example.org>"}}, "EmailSender: has no '<'"},
    {"sender_with_line_break", {{"EmailSender", "A\r\nBcc: x <a@example.org>"}}, "EmailSender: has no readable name"},
    {"sender_without_name", {{"EmailSender", "<a@example.org>"}}, "EmailSender: has no readable name"},
    {"sender_not_an_address", {{"EmailSender", "Files <a>"}}, "EmailSender: "},
    {"set_with_blank", {{"EmailConfigurationSetName", "a b"}}, "EmailConfigurationSetName: "},
    {"template_with_slash", {{"EmailTemplateLinkName", "a/b"}}, "EmailTemplateLinkName: "},
    {"expiration_zero",
     {{"LinkExpirationPeriod", "0"}},
     "LinkExpirationPeriod: is not a whole number from 1 to 604800"},
    {"expiration_with_unit", {{"LinkExpirationPeriod", "5h"}}, "LinkExpirationPeriod: is not a whole"},
    {"expiration_negative", {{"LinkExpirationPeriod", "-1"}}, "LinkExpirationPeriod: is not a whole"},
    {"expiration_over_a_week", {{"LinkExpirationPeriod", "604801"}}, "LinkExpirationPeriod: is not a whole"},
    {"expiration_huge", {{"LinkExpirationPeriod", "99999999999999999999"}}, "LinkExpirationPeriod: is not a whole"},
    {"role_beyond_its_session", {{"LinkExpirationPeriod", "18001"}}, "LinkExpirationPeriod: is over 18000 s"},
    {"link_longer_than_file",
     {{"LinkExpirationPeriod", "86401"}, {"LinkSigner", "IamUser"}, {"LinkSignerSecretArn", "arn:x"}},
     "LinkExpirationPeriod: is longer than ExchangableObjectsTTL"},
    {"ttl_zero", {{"ExchangableObjectsTTL", "0"}}, "ExchangableObjectsTTL: is not a whole number"},
    {"ttl_of_overflow", {{"ExchangableObjectsTTL", "9223372036854775807"}}, "ExchangableObjectsTTL: is not a whole"},
    {"unknown_signer", {{"LinkSigner", "role"}}, "LinkSigner: is neither Role nor IamUser"},
    {"user_without_secret", {{"LinkSigner", "IamUser"}}, "LinkSignerSecretArn: is not set"},
    {"table_with_blank", {{"LedgerTableName", "a b"}}, "LedgerTableName: "},
    {"bucket_in_capitals", {{"FileExchangeBucketName", "Files"}}, "FileExchangeBucketName: "},
    {"region_with_dot", {{"AWS_REGION", "evil.example"}}, "AWS_REGION: "},
    {"xray_without_port", {{"AWS_XRAY_DAEMON_ADDRESS", "localhost"}}, "AWS_XRAY_DAEMON_ADDRESS: is not host:port"},
    {"xray_tcp_only", {{"AWS_XRAY_DAEMON_ADDRESS", "tcp:a:2000"}}, "AWS_XRAY_DAEMON_ADDRESS: names no UDP address"},
};
class FunctionSettingsBadTest : public testing::TestWithParam<BadCase> {};
TEST_P(FunctionSettingsBadTest, IsTheOnlyProblem) {
  EXPECT_THAT(problems_of(with(GetParam().changes)), ElementsAre(StartsWith(GetParam().problem)));
}
INSTANTIATE_TEST_SUITE_P(Table, FunctionSettingsBadTest, testing::ValuesIn(kBadCases),
                         [](const auto& row) { return row.param.name; });

struct XrayCase {
  std::string name, text;
  HostPort want;
};
const std::vector<XrayCase> kXrayCases = {
    {"plain", "127.0.0.1:2000", {"127.0.0.1", 2000}},
    {"udp", "udp:127.0.0.1:2000", {"127.0.0.1", 2000}},
    {"tcp_then_udp", "tcp:127.0.0.1:1 udp:127.0.0.2:2", {"127.0.0.2", 2}},
    {"udp_then_tcp", "udp:daemon.local:2 tcp:127.0.0.1:1", {"daemon.local", 2}},
    {"ipv6", "[::1]:2000", {"::1", 2000}},
};
class FunctionSettingsXrayTest : public testing::TestWithParam<XrayCase> {};
TEST_P(FunctionSettingsXrayTest, TheUdpAddressCounts) {
  const auto settings = read(with({{"AWS_XRAY_DAEMON_ADDRESS", GetParam().text}}));
  ASSERT_TRUE(settings) << settings.error().front();
  EXPECT_EQ(settings->xray_daemon, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, FunctionSettingsXrayTest, testing::ValuesIn(kXrayCases),
                         [](const auto& row) { return row.param.name; });

TEST(FunctionHostPort, RefusesWhatIsNone) {
  for (const char* text : {"", ":", "host", "host:", ":80", "host:0", "host:65536", "host:8o", "ho st:80", "::1:80",
                           "[::1]", "[host]:80", "host/path:80"}) {
    EXPECT_FALSE(parse_host_port(text)) << text;
  }
}

}  // namespace
}  // namespace s3link::function
