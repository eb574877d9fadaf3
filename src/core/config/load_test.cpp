#include "core/config/load.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s3link::config {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

Sources from_file(std::string toml) {
  Sources sources;
  sources.file = {"s3link.toml", std::move(toml)};
  return sources;
}

std::vector<std::string> problems_of(const Sources& sources) {
  std::vector<std::string> out;
  const auto got = load(sources);
  if (!got) {
    for (const Problem& problem : got.error()) out.push_back(problem.text());
  }
  return out;
}

const EffectiveValue& value_of(const Loaded& loaded, std::string_view dotted) {
  for (const EffectiveValue& value : loaded.values) {
    if (value.key->dotted() == dotted) return value;
  }
  throw std::logic_error("no such key");
}

TEST(Load, DefaultsAreThoseOfTheContract) {
  const auto got = load({});
  ASSERT_TRUE(got);
  const Settings& s = got->settings;
  EXPECT_EQ(s.server.listen, (HostPort{"127.0.0.1", 9000}));
  EXPECT_EQ(s.server.public_url, "http://127.0.0.1:9000");
  EXPECT_EQ(s.server.data_dir, "data");
  EXPECT_EQ(s.server.region, "us-east-1");
  EXPECT_EQ(s.server.domain, "");
  EXPECT_FALSE(s.server.tls_certificate || s.server.tls_key);
  EXPECT_EQ(s.server.max_connections, 4096u);
  EXPECT_EQ(s.server.max_object_size_bytes, 5ULL << 40);
  EXPECT_EQ(s.auth.access_key_id, "");
  EXPECT_TRUE(s.auth.secret_access_key.empty());
  EXPECT_EQ(s.auth.master_key_file, "data/master.key");
  EXPECT_EQ(s.bucket.name.text(), "file-exchange");
  EXPECT_EQ(s.bucket.logs_name.text(), "file-exchange-access-logs");
  EXPECT_FALSE(s.bucket.max_bytes || s.bucket.max_objects);
  EXPECT_EQ(s.bucket.object_ttl, 24h);
  EXPECT_EQ(s.link.expiration, 18000s);
  EXPECT_EQ(s.email.sender.text(), "s3link@localhost");
  EXPECT_EQ(s.email.sender_name, "s3link");
  ASSERT_EQ(s.email.recipients.size(), 1u);
  EXPECT_EQ(s.email.recipients[0].text(), "you@localhost");
  EXPECT_FALSE(s.email.relay || s.email.password_file || s.email.template_dir);
  EXPECT_EQ(s.email.max_connections, 4u);
  EXPECT_EQ(s.email.rate, std::nullopt);
  EXPECT_EQ(s.email.recipient_rate, (mail::Rate{60, 1h}));
  EXPECT_EQ(s.delivery.give_up_after, 96h);
  EXPECT_EQ(s.delivery.max_attempts, 0u);
  EXPECT_EQ(s.delivery.first_retry, 1s);
  EXPECT_EQ(s.delivery.max_retry, 5min);
  EXPECT_EQ(s.delivery.concurrency, 16u);
  EXPECT_EQ(s.delivery.max_pending, 1'000'000u);
  EXPECT_EQ(s.alarm.dead_letter_threshold, 0u);
  EXPECT_EQ(s.alarm.max_wait, 1h);
  EXPECT_EQ(s.alarm.period, 60s);
  EXPECT_EQ(s.alarm.min_interval, 15min);
  EXPECT_FALSE(s.alarm.own_transport || s.alarm.relay || s.alarm.password_file || s.alarm.webhook_secret_file);
  EXPECT_FALSE(s.alarm.email);
  EXPECT_TRUE(s.alarm.webhook.empty());
  EXPECT_EQ(s.access_log.flush_interval, 60s);
  EXPECT_EQ(s.access_log.object_ttl, std::chrono::days(90));
  EXPECT_EQ(s.access_log.max_bytes, 1ULL << 30);
  EXPECT_EQ(s.backup.max_pause, 5min);
  EXPECT_EQ(s.backup.max_time, 24h);
  EXPECT_FALSE(s.trace.xray_daemon);
  EXPECT_EQ(s.trace.otlp_endpoint, "");
  EXPECT_EQ(s.trace.sample, 1.0);
  EXPECT_EQ(s.log.level, LogLevel::info);
  EXPECT_EQ(s.log.format, LogFormat::automatic);
}

TEST(Load, FlagBeatsEnvironmentBeatsFileBeatsDefault) {
  Sources sources = from_file("[server]\nregion = \"file-1\"\ndata_dir = \"from-file\"\nlisten = \"127.0.0.1:1\"\n");
  sources.environment = {
      {"S3LINK_SERVER_DATA_DIR", "from-environment"}, {"S3LINK_SERVER_LISTEN", "127.0.0.1:2"}, {"PATH", "/bin"}};
  sources.flags = {{"--listen", "server.listen", "127.0.0.1:3"}};
  const auto got = load(sources);
  ASSERT_TRUE(got) << got.error()[0].text();
  EXPECT_EQ(got->settings.server.region, "file-1");
  EXPECT_EQ(got->settings.server.data_dir, "from-environment");
  EXPECT_EQ(got->settings.server.listen.port, 3);
  EXPECT_EQ(value_of(*got, "server.region").source, "s3link.toml:2");
  EXPECT_EQ(value_of(*got, "server.data_dir").source, "S3LINK_SERVER_DATA_DIR");
  EXPECT_EQ(value_of(*got, "server.listen").source, "--listen");
  EXPECT_EQ(value_of(*got, "bucket.name").source, "default");
}

TEST(Load, AllProblemsAreListedAtOnce) {
  Sources sources = from_file(
      "[server]\n"
      "lisen = \"127.0.0.1:9000\"\n"
      "max_connections = \"many\"\n"
      "[link]\n"
      "expiration = 3600\n"
      "[mail]\n"
      "sender = \"x\"\n"
      "[email]\n"
      "recipient = [\"a@example.org\", 5]\n");
  sources.environment = {{"S3LINK_EMAIL_SENDR", "x"}, {"S3LINK_BUCKET_OBJECT_TTL", "1 day"}};
  sources.flags = {{"--listen", "server.listen", "nowhere"}};
  EXPECT_THAT(
      problems_of(sources),
      testing::UnorderedElementsAre(
          HasSubstr("s3link.toml:2: server.lisen: unknown setting; did you mean server.listen?"),
          HasSubstr("s3link.toml:3: server.max_connections: wrong type; write the number without quotes"),
          HasSubstr("s3link.toml:5: link.expiration: wrong type; write a duration in quotes"),
          HasSubstr("s3link.toml:6: mail: unknown section"), HasSubstr("s3link.toml:9: email.recipient: wrong type"),
          HasSubstr("S3LINK_EMAIL_SENDR: unknown environment variable; did you mean S3LINK_EMAIL_SENDER?"),
          HasSubstr("S3LINK_BUCKET_OBJECT_TTL: bucket.object_ttl: not a duration"),
          HasSubstr("--listen: server.listen: not HOST:PORT")));
}

TEST(Load, AKnownNameInTheWrongSectionIsPointedOut) {
  EXPECT_THAT(problems_of(from_file("[server]\nexpiration = \"5h\"\n")),
              ElementsAre("s3link.toml:2: server.expiration: unknown setting; did you mean link.expiration?"));
}

TEST(Load, ABrokenFileIsOneProblemWithItsLine) {
  EXPECT_THAT(problems_of(from_file("[server]\nlisten = 127.0.0.1:9000\n")),
              ElementsAre(HasSubstr("s3link.toml:2: not TOML:")));
  EXPECT_THAT(problems_of(from_file("listen = \"x\"\n")), ElementsAre(HasSubstr("outside of a section")));
  EXPECT_THAT(problems_of(from_file(std::string(2 << 20, '#'))), ElementsAre(HasSubstr("larger than 1MiB")));
}

TEST(Load, AListMayBeOneTextOrSeveral) {
  for (const auto* toml : {"recipient = [\"a@x.org\", \"b@x.org\"]", "recipient = \"a@x.org, b@x.org\""}) {
    const auto got = load(from_file(std::string("[email]\n") + toml));
    ASSERT_TRUE(got) << toml;
    EXPECT_EQ(got->settings.email.recipients.size(), 2u);
  }
}

TEST(Load, AnEmptyValueMeansNoneWhereThereIsNoDefault) {
  Sources sources = from_file("[email]\ntemplate_dir = \"templates\"\n[bucket]\nlogs_name = \"my-logs\"\n");
  sources.environment = {{"S3LINK_EMAIL_TEMPLATE_DIR", ""}, {"S3LINK_BUCKET_LOGS_NAME", ""}};
  const auto got = load(sources);
  ASSERT_TRUE(got);
  EXPECT_FALSE(got->settings.email.template_dir);
  EXPECT_EQ(got->settings.bucket.logs_name.text(), "file-exchange-access-logs");
}

TEST(Load, WhatBelongsTogetherIsChecked) {
  struct Row {
    const char *toml, *problem;
  };
  const std::vector<Row> rows = {
      {"[link]\nexpiration=\"2h\"\n[bucket]\nobject_ttl=\"1h\"",
       "s3link.toml:2: link.expiration: longer than bucket.object_ttl (1h, s3link.toml:4)"},
      {"[bucket]\nobject_ttl=\"1h\"", "default: link.expiration: longer than bucket.object_ttl"},
      {"[server]\ntls_key=\"k\"", "server.tls_key: set without server.tls_certificate"},
      {"[server]\ntls_certificate=\"c\"", "server.tls_certificate: set without server.tls_key"},
      {"[auth]\naccess_key_id=\"AKID\"", "auth.access_key_id: set without auth.secret_access_key"},
      {"[auth]\nsecret_access_key=\"longenough\"", "auth.secret_access_key: set without auth.access_key_id"},
      {"[bucket]\nname=\"b123456789b123456789b123456789b123456789b123456789bb\"",
       "bucket.logs_name: bucket.name is too long"},
      {"[email]\ntransport=\"smtp://me@relay:587\"", "email.transport: names a user, so set email.password_file"},
      {"[email]\npassword_file=\"p\"", "email.password_file: set, but email.transport names no user"},
      {"[alarm]\ntransport=\"smtp://me@relay:587\"", "alarm.transport: names a user, so set alarm.password_file"},
      {"[email]\ntransport=\"smtp://me@relay:587\"\nauth=\"xoauth2\"\n[email.oauth]\n"
       "client_id=\"c\"\nclient_secret_file=\"f\"",
       "email.oauth.token_url: not set, but XOAUTH2 needs"},
      {"[email]\nauth=\"none\"\npassword_file=\"p\"", "email.password_file: set, but email.auth does not use it"},
      {"[email.oauth]\ntoken_uri=\"https://h/\"", "email.oauth.token_uri: unknown setting; did you mean"},
      {"[alarm]\npassword_file=\"p\"", "alarm.password_file: set, but alarm.transport names no user"},
      {"[alarm]\nwebhook_secret_file=\"p\"", "alarm.webhook_secret_file: set, but there is no alarm.webhook"},
  };
  for (const Row& row : rows)
    EXPECT_THAT(problems_of(from_file(row.toml)), ElementsAre(HasSubstr(row.problem))) << row.toml;
}

TEST(Load, TokenUrlMeansXoauth2) {
  const auto got = load(from_file(
      "[email]\ntransport=\"smtp://me@relay:587\"\n[email.oauth]\ntoken_url=\"https://login.example.org/token\"\n"
      "client_id=\"c\"\nrefresh_token_file=\"/etc/t\""));
  ASSERT_TRUE(got) << got.error().front().text();
  EXPECT_EQ(got->settings.email.auth, mail::RelayAuth::xoauth2);
  EXPECT_EQ(got->settings.email.oauth.client_id, "c");
  EXPECT_EQ(got->settings.email.oauth.refresh_token_file, "/etc/t");
  Sources sources;
  sources.environment = {{"S3LINK_EMAIL_OAUTH_SCOPE", "mail"}};
  const auto from_environment = load(sources);
  ASSERT_TRUE(from_environment);
  EXPECT_EQ(from_environment->settings.email.oauth.scope, "mail");
}

TEST(Load, SenderNameFollowsTheSender) {
  const auto named = [](const char* toml) {
    const auto got = load(from_file(toml));
    return got ? got->settings.email.sender_name : "refused: " + got.error().front().text();
  };
  EXPECT_EQ(named("[email]\nsender=\"s3link@files.acme.co.uk\""), "acme");
  EXPECT_EQ(named("[email]\nsender=\"s3link@acme.example\"\nsender_name=\"Acme & Söhne\""), "Acme & Söhne");
  EXPECT_EQ(named("[email]\nsender=\"s3link@acme.example\"\nsender_name=\"\""), "");
  EXPECT_EQ(value_of(*load(from_file("[email]\nsender=\"a@acme.example\"")), "email.sender_name").texts,
            std::vector<std::string>{"acme"});
}

TEST(Load, AnUnknownTimeZoneIsAProblemBesideAllOthers) {
  Sources sources = from_file("[email]\nlanguage=\"sv\"\ntime_zone=\"Europe/Berln\"");
  sources.check_time_zone = [](const std::string& name) -> Status {
    if (name == "Europe/Berlin") return {};
    return fail(ErrorKind::invalid_argument, "no zone");
  };
  EXPECT_THAT(problems_of(sources),
              ElementsAre("s3link.toml:2: email.language: not one of en, de, fr, es, it, nl, pl, uk",
                          "s3link.toml:3: email.time_zone: no zone"));
  sources.file->toml = "[email]\ntime_zone=\"Europe/Berlin\"";
  EXPECT_THAT(problems_of(sources), ElementsAre());
  sources.file->toml = "";
  EXPECT_THAT(problems_of(sources), ElementsAre());
  sources.file->toml = "[email]\ntime_zone=\"Europe/Berln\"";
  sources.sections = {"server"};
  EXPECT_THAT(problems_of(sources), ElementsAre());
}

TEST(Load, PublicUrlFollowsListenAndTls) {
  EXPECT_EQ(load(from_file("[server]\nlisten=\"[::1]:80\""))->settings.server.public_url, "http://[::1]:80");
  EXPECT_EQ(load(from_file("[server]\nlisten=\"127.0.0.1:0\""))->settings.server.public_url, "");
  EXPECT_EQ(load(from_file("[server]\ntls_certificate=\"c\"\ntls_key=\"k\""))->settings.server.public_url,
            "https://127.0.0.1:9000");
}

TEST(Load, LinksThatStartWithAnyAddressAreWarnedOf) {
  const auto got = load(from_file("[server]\nlisten=\"0.0.0.0:9000\"\n[alarm]\nemail=\"a@x.org\""));
  ASSERT_TRUE(got);
  EXPECT_THAT(got->warnings, ElementsAre(HasSubstr("server.public_url is not set")));
}

TEST(Load, ARenamedSettingIsTakenWithAWarning) {
  const auto by_file = load(from_file("[alarm]\noldest_event=\"2h\"\nemail=\"a@x.org\"\n"));
  ASSERT_TRUE(by_file);
  EXPECT_EQ(by_file->settings.alarm.max_wait, 2h);
  EXPECT_THAT(by_file->warnings, ElementsAre("alarm.oldest_event is called alarm.max_wait now: rename it"));
  Sources sources;
  sources.environment = {{"S3LINK_ALARM_OLDEST_EVENT", "3h"}, {"S3LINK_ALARM_EMAIL", "a@x.org"}};
  const auto by_environment = load(sources);
  ASSERT_TRUE(by_environment);
  EXPECT_EQ(by_environment->settings.alarm.max_wait, 3h);
  EXPECT_EQ(by_environment->warnings.size(), 1U);
}

TEST(Load, AlarmsThatNobodyMayHearAreWarnedOf) {
  struct Case {
    std::string toml;
    std::vector<std::string> want;  ///< beginnings
  };
  const std::string relay = "[server]\npublic_url=\"https://f.example\"\n[email]\ntransport=\"smtp://a\"\n[alarm]\n";
  const std::string mail = "email=\"a@x.org\"\n";
  const std::string hook = "webhook=\"https://x.org/\"\n";
  const std::vector<Case> cases = {
      {relay, {"alarm.email is not set: alarms are only logged and shown"}},
      {relay + hook, {"alarm.email is not set: alarms are only posted to alarm.webhook"}},
      {relay + "transport=\"smtp://b\"", {"alarm.email is not set", "alarm.transport is set"}},
      {relay + mail, {"alarms leave by the relay whose failures they are about"}},
      {relay + mail + "transport=\"smtp://a\"", {"alarms leave by the relay whose failures they are about"}},
      {relay + mail + "transport=\"smtp://b\"", {}},
      {relay + mail + "transport=\"outbox\"", {}},
      {relay + mail + hook, {}},
      {"[alarm]\n" + mail, {}},
  };
  for (const Case& row : cases) {
    const auto got = load(from_file(row.toml));
    ASSERT_TRUE(got) << row.toml;
    ASSERT_EQ(got->warnings.size(), row.want.size()) << row.toml;
    for (std::size_t i = 0; i < row.want.size(); ++i)
      EXPECT_TRUE(got->warnings[i].starts_with(row.want[i])) << row.toml;
  }
}

TEST(Load, NoProblemRepeatsASecret) {
  Sources sources = from_file("[auth]\nsecret_access_key = \"se cret\"\n[alarm]\nwebhook = \"se cret\"\n");
  sources.environment = {{"S3LINK_EMAIL_TRANSPORT", "smtp://me:se cret@relay"}};
  const std::vector<std::string> problems = problems_of(sources);
  EXPECT_EQ(problems.size(), 3u);
  for (const std::string& problem : problems) EXPECT_FALSE(problem.contains("se cret")) << problem;
}

TEST(Load, RelativePathsOfAFileCountFromItsFolder) {
  Sources sources;
  sources.file = {"/etc/s3link/s3link.toml",
                  "[server]\ndata_dir = \"../data\"\ntls_certificate = \"/a/c.pem\"\n"
                  "tls_key = \"k.pem\"\n[email]\ntemplate_dir = \"t\"\n"};
  sources.environment = {{"S3LINK_EMAIL_TEMPLATE_DIR", "mine"}};
  auto got = load(sources);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->settings.server.data_dir, "/etc/data");
  EXPECT_EQ(got->settings.auth.master_key_file, "/etc/data/master.key");
  EXPECT_EQ(got->settings.server.tls_certificate, "/a/c.pem");
  EXPECT_EQ(got->settings.server.tls_key, "/etc/s3link/k.pem");
  EXPECT_EQ(got->settings.email.template_dir, "mine");  // from the working directory
  EXPECT_EQ(value_of(*got, "server.tls_key").texts, std::vector<std::string>{"/etc/s3link/k.pem"});

  sources.file->name = "conf/s3link.toml";
  got = load(sources);
  EXPECT_EQ(got->settings.server.data_dir, "data");
  EXPECT_EQ(got->settings.server.tls_key, "conf/k.pem");
  sources.file->name = "s3link.toml";
  got = load(sources);
  EXPECT_EQ(got->settings.server.data_dir, "../data");
  EXPECT_EQ(load(from_file("[server]\ntls_certificate = \"\"\n"))->settings.server.tls_certificate, std::nullopt);
  EXPECT_EQ(load({})->settings.server.data_dir, "data");
}

TEST(Load, EveryPathIsOfThatType) {
  for (const Key& key : keys()) {
    const bool path = key.name.ends_with("_file") || key.name.ends_with("_dir") || key.name == "tls_certificate" ||
                      key.name == "tls_key";
    EXPECT_EQ(key.type == ValueType::path, path) << key.dotted();
  }
}

TEST(Load, SectionsThatAreNotNeededMayBeWrong) {
  Sources sources = from_file(
      "[email]\nsender = \"nobody\"\nsendre = \"x\"\ntransport = \"smtp://me@relay:25\"\n"
      "[server]\nregion = \"eu-central-1\"\n");
  EXPECT_EQ(problems_of(sources).size(), 3u);
  sources.sections = {"server", "auth", "bucket"};
  const auto got = load(sources);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->settings.server.region, "eu-central-1");

  sources.file->toml += "lisetn = \"x\"\n[sevrer]\nregion = \"y\"\n";
  sources.environment = {
      {"S3LINK_BUCKET_NAME", "A"}, {"S3LINK_EMAIL_RECIPIENT", "nobody"}, {"S3LINK_SEVRER_REGION", "x"}};
  EXPECT_THAT(problems_of(sources),
              testing::UnorderedElementsAre(HasSubstr("server.lisetn"), HasSubstr("sevrer"),
                                            HasSubstr("S3LINK_BUCKET_NAME"), HasSubstr("S3LINK_SEVRER_REGION")));
}

TEST(Load, VariablesOfKubernetesAreNotOurs) {
  Sources sources;
  sources.environment = {{"S3LINK_PORT", "tcp://10.0.171.239:9000"},
                         {"S3LINK_PORT_9000_TCP", "tcp://10.0.171.239:9000"},
                         {"S3LINK_PORT_9000_TCP_ADDR", "10.0.171.239"},
                         {"S3LINK_PORT_9000_TCP_PORT", "9000"},
                         {"S3LINK_PORT_9000_TCP_PROTO", "tcp"},
                         {"S3LINK_SERVICE_HOST", "10.0.171.239"},
                         {"S3LINK_SERVICE_PORT", "9000"},
                         {"S3LINK_SERVICE_PORT_HTTP", "9000"},
                         {"S3LINK_SERVER_SERVICE_HOST", "10.0.171.239"},
                         {"S3LINK_SERVER_SERVICE_PORT", "9000"},
                         {"S3LINK_SERVER_PORT", "tcp://10.0.171.239:9000"},
                         {"S3LINK_SERVER_PORT_9000_TCP", "tcp://10.0.171.239:9000"}};
  EXPECT_THAT(problems_of(sources), ElementsAre());
  sources.environment = {{"S3LINK_SERVER_PORT", "9000"}, {"S3LINK_SERVER_LISTENER", "x"}, {"S3LINK_PORTS", "x"}};
  EXPECT_EQ(problems_of(sources).size(), 3u);
}

struct PublicUrlCase {
  std::string name, toml, warning;  // empty: none
};
const std::vector<PublicUrlCase> kPublicUrlCases = {
    {"tried_out", "", ""},
    {"loopback_and_relay", "[email]\ntransport = \"smtp://relay:25\"", "links will start with 127.0.0.1"},
    {"other_loopback", "[server]\nlisten = \"[::1]:80\"\n[email]\ntransport = \"smtp://relay:25\"",
     "links will start with ::1"},
    {"any_address", "[server]\nlisten = \"0.0.0.0:80\"", "links will start with 0.0.0.0"},
    {"named_address", "[server]\nlisten = \"192.0.2.1:80\"\n[email]\ntransport = \"smtp://relay:25\"", ""},
    {"https", "[server]\npublic_url = \"https://f.example\"\n[email]\ntransport = \"smtp://relay:25\"", ""},
    {"clear_text", "[server]\npublic_url = \"http://f.example\"", "unencrypted"},
    {"loopback_url", "[server]\npublic_url = \"http://localhost:9\"\n[email]\ntransport = \"smtp://relay:25\"",
     "open on this machine only"},
    {"loopback_url_tried_out", "[server]\npublic_url = \"http://localhost:9\"", ""},
};
class PublicUrlWarningTest : public testing::TestWithParam<PublicUrlCase> {};
TEST_P(PublicUrlWarningTest, NamesLinksThatDoNotOpen) {
  const auto got = load(from_file(GetParam().toml));
  ASSERT_TRUE(got);
  std::vector<std::string> about;
  for (const std::string& warning : got->warnings) {
    if (warning.contains("public_url")) about.push_back(warning);
  }
  if (GetParam().warning.empty()) {
    EXPECT_THAT(about, ElementsAre());
  } else {
    EXPECT_THAT(about, ElementsAre(HasSubstr(GetParam().warning)));
  }
}
INSTANTIATE_TEST_SUITE_P(Table, PublicUrlWarningTest, testing::ValuesIn(kPublicUrlCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::config
