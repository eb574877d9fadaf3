#include "adapters/smtp/relay_probe.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "support/run_sync.hpp"
#include "support/scripted_relay.hpp"
#include "support/test_certificate.hpp"

namespace s3link::smtp {
namespace {

using namespace std::chrono_literals;
using mail::StartTls;
using test_support::run_sync;
using test_support::ScriptedRelay;

RelaySettings settings(std::uint16_t port, StartTls starttls = StartTls::never) {
  RelaySettings out;
  out.url = {.host = "127.0.0.1", .port = port, .user = "", .implicit_tls = false, .starttls = starttls};
  out.in_all = 10s;
  return out;
}

ScriptedRelay::Script answers(const std::string& verb, std::string reply) {
  ScriptedRelay::Script script;
  script.replies[verb] = {std::move(reply)};
  return script;
}

ProbeReport ask(RelaySettings relay, std::vector<std::string> recipients = {"a@example.net", "b@example.net"},
                const std::string& password = {}) {
  RelayProbe probe(std::move(relay), Secret(std::string(password)));
  auto report = run_sync(probe.ask("files@example.org", std::move(recipients)));
  if (!report) throw std::runtime_error(report.error().message);
  return std::move(*report);
}

TEST(RelayProbe, AsksForEveryRecipientAndSendsNothing) {
  const ScriptedRelay relay({});
  const ProbeReport report = ask(settings(relay.port()));
  EXPECT_FALSE(report.failed_at) << report.error.message;
  EXPECT_FALSE(report.encrypted);
  EXPECT_TRUE(relay.messages().empty());
  auto commands = relay.commands();
  ASSERT_GE(commands.size(), 5U);
  EXPECT_TRUE(commands[0].starts_with("EHLO "));
  EXPECT_EQ(commands[1], "MAIL FROM:<files@example.org>");
  EXPECT_EQ(commands[2], "RCPT TO:<a@example.net>");
  EXPECT_EQ(commands[3], "RCPT TO:<b@example.net>");
  EXPECT_EQ(commands[4], "RSET");
  EXPECT_FALSE(std::ranges::any_of(commands, [](const auto& line) { return line.starts_with("DATA"); }));
}

struct FailureCase {
  std::string name;
  ScriptedRelay::Script script;
  ProbeStep step;
  ErrorKind kind;
  std::string message;  // part of it
};
ScriptedRelay::Script greets(std::string greeting) {
  ScriptedRelay::Script script;
  script.greeting = std::move(greeting);
  return script;
}
const std::vector<FailureCase> kFailureCases = {
    {"greeting_554", greets("554 5.7.1 not you"), ProbeStep::connection, ErrorKind::denied, "554 5.7.1 not you"},
    {"no_smtp", greets("SSH-2.0-OpenSSH_9.2"), ProbeStep::connection, ErrorKind::transient, "relay 127.0.0.1:"},
    {"greeting_stalls", greets(ScriptedRelay::kStall), ProbeStep::connection, ErrorKind::transient, "relay 127.0.0.1:"},
    {"mail_553", answers("MAIL", "553 5.1.8 not from you"), ProbeStep::sender, ErrorKind::denied, "553 5.1.8 not from"},
    {"mail_closes", answers("MAIL", ScriptedRelay::kClose), ProbeStep::sender, ErrorKind::transient, "it closed"},
    {"mail_stalls", answers("MAIL", ScriptedRelay::kStall), ProbeStep::sender, ErrorKind::transient, "no answer in"},
    {"rcpt_550", answers("RCPT", "550-5.1.1 no\r\n550 such user"), ProbeStep::recipients, ErrorKind::denied,
     "550 5.1.1 no such user"},
    {"rcpt_450", answers("RCPT", "450 4.2.0 greylisted"), ProbeStep::recipients, ErrorKind::transient, "450 4.2.0"},
    {"endless_line", answers("MAIL", std::string(100'000, 'x')), ProbeStep::sender, ErrorKind::transient, "no end"},
};
class RelayProbeFailureTest : public testing::TestWithParam<FailureCase> {};
TEST_P(RelayProbeFailureTest, NamesTheStep) {
  const ScriptedRelay relay(GetParam().script);
  RelaySettings impatient = settings(relay.port());
  impatient.in_all = GetParam().name.ends_with("stalls") ? 1s : 10s;
  const ProbeReport report = ask(std::move(impatient));
  ASSERT_TRUE(report.failed_at);
  EXPECT_EQ(*report.failed_at, GetParam().step);
  EXPECT_EQ(report.error.kind, GetParam().kind);
  EXPECT_THAT(report.error.message, testing::HasSubstr(GetParam().message));
}
INSTANTIATE_TEST_SUITE_P(Table, RelayProbeFailureTest, testing::ValuesIn(kFailureCases),
                         [](const auto& row) { return row.param.name; });

TEST(RelayProbe, OneRefusedRecipientDoesNotHideTheOthers) {
  ScriptedRelay::Script script;
  script.replies["RCPT"] = {"250 2.1.5 ok", "550 5.1.1 no such user", "452 4.2.2 full"};
  const ScriptedRelay relay(script);
  const ProbeReport report = ask(settings(relay.port()), {"a@example.net", "b@example.net", "c@example.net"});
  ASSERT_EQ(report.refused.size(), 2U);
  EXPECT_EQ(report.refused[0].recipient, "b@example.net");
  EXPECT_EQ(report.refused[0].error.code, "550");
  EXPECT_EQ(report.refused[1].recipient, "c@example.net");
  EXPECT_EQ(report.refused[1].error.kind, ErrorKind::transient);
}

TEST(RelayProbe, SaysThatAnAddressIsInternationalWhereTheRelayKnowsThat) {
  ScriptedRelay::Script script;
  script.ehlo = "250-relay.test\r\n250-8BITMIME\r\n250 SMTPUTF8";
  const ScriptedRelay relay(script);
  EXPECT_FALSE(ask(settings(relay.port()), {"grüße@example.net"}).failed_at);
  EXPECT_EQ(relay.commands().at(1), "MAIL FROM:<files@example.org> SMTPUTF8");
}

TEST(RelayProbe, LogsIn) {
  ScriptedRelay::Script script;
  script.ehlo = "250-relay.test\r\n250 AUTH PLAIN";
  script.replies["AUTH"] = {"235 2.7.0 welcome", "535 5.7.8 authentication failed"};
  const ScriptedRelay relay(script);
  const auto with_user = [&] {
    RelaySettings out = settings(relay.port());
    out.url.user = "files";
    return out;
  };
  const ProbeReport let_in = ask(with_user(), {"a@example.net"}, "hunter2");
  EXPECT_FALSE(let_in.failed_at);
  EXPECT_EQ(let_in.mechanism, "PLAIN");
  const ProbeReport refused = ask(with_user(), {"a@example.net"}, "hunter2");
  ASSERT_TRUE(refused.failed_at);
  EXPECT_EQ(*refused.failed_at, ProbeStep::login);
  EXPECT_EQ(refused.error.code, "535");
  EXPECT_FALSE(refused.error.message.contains("hunter2"));
}

class RelayProbeTlsTest : public testing::Test {
 protected:
  RelayProbeTlsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "s3link-probe-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    test_support::write_certificate(folder_ / "certificate.pem", folder_ / "key.pem", "IP:127.0.0.1");
  }
  ~RelayProbeTlsTest() override { std::filesystem::remove_all(folder_); }

  ScriptedRelay::Script with_tls(bool implicit) {
    ScriptedRelay::Script script;
    script.ehlo = "250-relay.test\r\n250 STARTTLS";
    script.certificate_file = (folder_ / "certificate.pem").string();
    script.key_file = (folder_ / "key.pem").string();
    script.implicit_tls = implicit;
    return script;
  }
  RelaySettings trusting(std::uint16_t port, StartTls starttls, bool implicit) {
    RelaySettings out = settings(port, starttls);
    out.url.implicit_tls = implicit;
    out.ca_file = (folder_ / "certificate.pem").string();
    return out;
  }

  std::filesystem::path folder_;
};

TEST_F(RelayProbeTlsTest, TalksOverTls) {
  for (const bool implicit : {false, true}) {
    const ScriptedRelay relay(with_tls(implicit));
    const ProbeReport report = ask(trusting(relay.port(), StartTls::required, implicit));
    EXPECT_FALSE(report.failed_at) << report.error.message;
    EXPECT_TRUE(report.encrypted);
    EXPECT_TRUE(relay.messages().empty());
  }
}

TEST_F(RelayProbeTlsTest, WhatIsNotEncryptedAsRequiredNamesThatStep) {
  const ScriptedRelay plain({});
  EXPECT_EQ(ask(trusting(plain.port(), StartTls::required, false)).failed_at, ProbeStep::encryption);
  const ScriptedRelay unknown(with_tls(false));
  EXPECT_EQ(ask(settings(unknown.port(), StartTls::required)).failed_at, ProbeStep::encryption);
  const ProbeReport optional = ask(settings(unknown.port(), StartTls::optional));
  EXPECT_FALSE(optional.failed_at) << optional.error.message;
  EXPECT_TRUE(optional.encrypted);
}

}  // namespace
}  // namespace s3link::smtp
