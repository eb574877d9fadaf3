#include "adapters/smtp/smtp_sender.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>

#include "core/base/encoding.hpp"
#include "support/run_sync.hpp"
#include "support/scripted_relay.hpp"
#include "support/test_certificate.hpp"

namespace s3link::smtp {
namespace {

using namespace std::chrono_literals;
using mail::StartTls;
using test_support::run_sync;
using test_support::ScriptedRelay;

mail::Mail message(const std::string& to = "you@example.net", const std::string& text = "Subject: s\r\n\r\nbody\r\n") {
  return {"files@example.org", to, "<4f2a@example.org>", Secret(std::string(text))};
}

RelaySettings settings(std::uint16_t port, StartTls starttls = StartTls::never) {
  RelaySettings out;
  out.url = {.host = "127.0.0.1", .port = port, .user = "", .implicit_tls = false, .starttls = starttls};
  out.concurrency = 4;
  out.connect_timeout = 5s;
  out.timeout = 10s;
  return out;
}

struct RefusalCase {
  std::string name;
  ScriptedRelay::Script script;
  ErrorKind kind;
  std::string code;
  std::string message;  // beginning
};

ScriptedRelay::Script greets(std::string greeting) {
  ScriptedRelay::Script script;
  script.greeting = std::move(greeting);
  return script;
}
ScriptedRelay::Script answers(const std::string& verb, std::string reply) {
  ScriptedRelay::Script script;
  script.replies[verb] = {std::move(reply)};
  return script;
}

const std::vector<RefusalCase> kRefusalCases = {
    {"greeting_421", greets("421 4.3.2 too busy"), ErrorKind::transient, "421", "421 4.3.2 too busy"},
    {"greeting_554", greets("554 5.7.1 no service for you"), ErrorKind::denied, "554", "554 5.7.1 no service for you"},
    {"greeting_garbage", greets("SSH-2.0-OpenSSH_9.2"), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"greeting_close", greets(ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"mail_451", answers("MAIL", "451 4.3.0 later"), ErrorKind::transient, "451", "451 4.3.0 later"},
    {"mail_553", answers("MAIL", "553 5.1.8 not from you"), ErrorKind::denied, "553", "553 5.1.8 not from you"},
    {"mail_close", answers("MAIL", ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"rcpt_450", answers("RCPT", "450 4.2.0 greylisted"), ErrorKind::transient, "450", "450 4.2.0 greylisted"},
    {"rcpt_550", answers("RCPT", "550-5.1.1 no\r\n550 such user"), ErrorKind::denied, "550", "550 5.1.1 no such user"},
    {"rcpt_close", answers("RCPT", ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"rcpt_garbage_and_close", answers("RCPT", "\x01\x02\r\n\r\nnonsense"), ErrorKind::transient, "",
     "relay 127.0.0.1:"},
    {"data_452", answers("DATA", "452 4.3.1 no space"), ErrorKind::transient, "452", "452 4.3.1 no space"},
    {"data_554", answers("DATA", "554 5.5.1 no recipients"), ErrorKind::denied, "554", "554 5.5.1 no recipients"},
    {"data_close", answers("DATA", ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"end_451", answers(".", "451 4.3.0 disk"), ErrorKind::transient, "451", "451 4.3.0 disk"},
    {"end_552", answers(".", "552 5.2.2 full"), ErrorKind::denied, "552", "552 5.2.2 full"},
};
class RefusalTest : public testing::TestWithParam<RefusalCase> {};
TEST_P(RefusalTest, IsToldInTheRelaysWords) {
  ScriptedRelay relay(GetParam().script);
  RelaySettings relay_settings = settings(relay.port());
  relay_settings.timeout = 3s;
  SmtpSender sender(std::move(relay_settings));
  const auto got = run_sync(sender.send(message()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, GetParam().kind) << got.error().error.message;
  EXPECT_EQ(got.error().error.code, GetParam().code);
  EXPECT_TRUE(got.error().error.message.starts_with(GetParam().message)) << got.error().error.message;
  if (GetParam().name.starts_with("greeting")) return;
  // The next message is not harmed by what went wrong with this one.
  const auto next = run_sync(sender.send(message()));
  EXPECT_TRUE(next) << next.error().error.message;
}
INSTANTIATE_TEST_SUITE_P(Table, RefusalTest, testing::ValuesIn(kRefusalCases),
                         [](const auto& row) { return row.param.name; });

TEST(SmtpSender, KeepsTheRelaysAnswer) {
  ScriptedRelay relay({});
  SmtpSender sender(settings(relay.port()));
  const auto got = run_sync(sender.send(message()));
  ASSERT_TRUE(got) << got.error().error.message;
  EXPECT_EQ(got->reply, "250 2.0.0 Ok: queued as 1");
  ASSERT_EQ(relay.messages().size(), 1U);
  EXPECT_EQ(relay.messages()[0].from, "files@example.org");
  EXPECT_EQ(relay.messages()[0].to, "you@example.net");
  EXPECT_EQ(relay.messages()[0].data, "Subject: s\r\n\r\nbody\r\n");
}

TEST(SmtpSender, GreetsWithADomain) {
  const ScriptedRelay relay({});
  SmtpSender sender(settings(relay.port()));
  ASSERT_TRUE(run_sync(sender.send(message())));
  const std::string greeting = relay.commands().at(0);
  EXPECT_TRUE(greeting.starts_with("EHLO ") && greeting.contains('.')) << greeting;
}

TEST(SmtpSender, ReusesItsConnection) {
  ScriptedRelay relay({});
  SmtpSender sender(settings(relay.port()));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(run_sync(sender.send(message())));
  EXPECT_EQ(relay.messages().size(), 5U);
  EXPECT_EQ(relay.connections(), 1U);
}

TEST(SmtpSender, OpensAtMostConcurrencyConnections) {
  ScriptedRelay relay({});
  SmtpSender sender(settings(relay.port()));
  asio::io_context io;
  int sent = 0;
  for (int i = 0; i < 40; ++i) {
    asio::co_spawn(io, sender.send(message()), [&](std::exception_ptr failure, ports::SendResult result) {
      EXPECT_FALSE(failure);
      sent += result ? 1 : 0;
    });
  }
  io.run();
  EXPECT_EQ(sent, 40);
  EXPECT_EQ(relay.messages().size(), 40U);
  EXPECT_LE(relay.connections(), 4U);
}

TEST(SmtpSender, LostAnswerIsTransientAndSaysSo) {
  ScriptedRelay relay(answers(".", ScriptedRelay::kClose));
  SmtpSender sender(settings(relay.port()));
  const auto got = run_sync(sender.send(message()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::transient);
  EXPECT_TRUE(got.error().error.message.contains("it may have been taken")) << got.error().error.message;
  EXPECT_EQ(relay.messages().size(), 1U);
}

TEST(SmtpSender, StallsAreBounded) {
  for (const char* verb : {"EHLO", "MAIL", "DATA", "."}) {
    ScriptedRelay relay(answers(verb, ScriptedRelay::kStall));
    RelaySettings relay_settings = settings(relay.port());
    relay_settings.timeout = 2s;
    SmtpSender sender(std::move(relay_settings));
    const auto begin = std::chrono::steady_clock::now();
    const auto got = run_sync(sender.send(message()));
    ASSERT_FALSE(got) << verb;
    EXPECT_EQ(got.error().error.kind, ErrorKind::transient) << verb;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, 5s) << verb;
  }
}

TEST(SmtpSender, RelayThatIsDownIsTransient) {
  std::uint16_t port = 0;
  {
    const ScriptedRelay relay({});
    port = relay.port();
  }
  SmtpSender sender(settings(port));
  const auto got = run_sync(sender.send(message()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::transient);
  EXPECT_TRUE(got.error().error.message.starts_with("relay 127.0.0.1:" + std::to_string(port) + ": "))
      << got.error().error.message;
}

TEST(SmtpSender, ConnectionTheRelayClosedIsReplaced) {
  ScriptedRelay::Script script;
  script.replies["MAIL"] = {"250 2.1.0 ok", ScriptedRelay::kClose};
  const ScriptedRelay relay(script);
  SmtpSender sender(settings(relay.port()));
  EXPECT_TRUE(run_sync(sender.send(message())));
  EXPECT_EQ(run_sync(sender.send(message())).error().error.kind, ErrorKind::transient);
  EXPECT_TRUE(run_sync(sender.send(message())));
  EXPECT_EQ(relay.connections(), 2U);
}

TEST(SmtpSender, CancelledSendEndsSoon) {
  ScriptedRelay relay(answers("MAIL", ScriptedRelay::kStall));
  SmtpSender sender(settings(relay.port()));
  asio::io_context io;
  asio::cancellation_signal cancel;
  ports::SendResult got = ports::MailReceipt{};
  asio::co_spawn(
      io, sender.send(message()),
      asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr, ports::SendResult result) { got = result; }));
  asio::steady_timer soon(io, 200ms);
  soon.async_wait([&](auto) { cancel.emit(asio::cancellation_type::terminal); });
  const auto begin = std::chrono::steady_clock::now();
  io.run();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error, (Error{ErrorKind::transient, "stopped while the message was being sent", ""}));
}

TEST(SmtpSender, DestructionDoesNotWaitForAStalledGoodbye) {
  ScriptedRelay relay(answers("QUIT", ScriptedRelay::kStall));
  const auto begin = std::chrono::steady_clock::now();
  {
    SmtpSender sender(settings(relay.port()));
    ASSERT_TRUE(run_sync(sender.send(message())));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 4s);
}

class SmtpLoginTest : public testing::Test {
 protected:
  static ScriptedRelay::Script offers_login() {
    ScriptedRelay::Script script;
    script.ehlo = "250-relay.test\r\n250 AUTH PLAIN";
    return script;
  }
  static ports::SendResult send(const ScriptedRelay& relay) {
    RelaySettings relay_settings = settings(relay.port());
    relay_settings.url.user = "files";
    relay_settings.password = Secret("hunter2 ä");
    SmtpSender sender(std::move(relay_settings));
    return run_sync(sender.send(message()));
  }
};

TEST_F(SmtpLoginTest, LogsIn) {
  const ScriptedRelay relay(offers_login());
  const auto got = send(relay);
  ASSERT_TRUE(got) << got.error().error.message;
  const auto commands = relay.commands();
  const std::string credentials = base64_encode(std::string("\0files\0hunter2 ä", 17));
  EXPECT_TRUE(std::ranges::any_of(commands, [&](const auto& line) { return line.contains(credentials); }));
}

TEST_F(SmtpLoginTest, WrongPasswordIsDeniedAndNamesTheSetting) {
  ScriptedRelay::Script script = offers_login();
  script.replies["AUTH"] = {"535 5.7.8 authentication failed"};
  const ScriptedRelay relay(script);
  const auto got = send(relay);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::denied);
  EXPECT_EQ(got.error().error.code, "535");
  EXPECT_TRUE(got.error().error.message.starts_with("535 5.7.8 authentication failed")) << got.error().error.message;
  EXPECT_TRUE(got.error().error.message.contains("email.password_file"));
  EXPECT_FALSE(got.error().error.message.contains("hunter2"));
}

TEST_F(SmtpLoginTest, LoginThatFailsForNowIsTransient) {
  ScriptedRelay::Script script = offers_login();
  script.replies["AUTH"] = {"454 4.7.0 temporary authentication failure"};
  const ScriptedRelay relay(script);
  EXPECT_EQ(send(relay).error().error.kind, ErrorKind::transient);
}

class SmtpTlsTest : public testing::Test {
 protected:
  SmtpTlsTest() {
    std::string name = (std::filesystem::temp_directory_path() / "s3link-smtp-XXXXXX").string();
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    certificate_ = (folder_ / "certificate.pem").string();
    test_support::write_certificate(certificate_, folder_ / "key.pem", "IP:127.0.0.1");
    test_support::write_certificate(folder_ / "other.pem", folder_ / "other-key.pem", "DNS:other.example");
  }
  ~SmtpTlsTest() override { std::filesystem::remove_all(folder_); }

  ScriptedRelay::Script with_tls(bool implicit, const std::string& name = "certificate") {
    ScriptedRelay::Script script;
    script.ehlo = "250-relay.test\r\n250 STARTTLS";
    script.certificate_file = (folder_ / (name + ".pem")).string();
    script.key_file = (folder_ / (name == "other" ? "other-key.pem" : "key.pem")).string();
    script.implicit_tls = implicit;
    return script;
  }
  static ports::SendResult send(const ScriptedRelay& relay, StartTls starttls, std::string ca_file,
                                bool implicit_tls = false) {
    RelaySettings relay_settings = settings(relay.port(), starttls);
    relay_settings.url.implicit_tls = implicit_tls;
    relay_settings.ca_file = std::move(ca_file);
    SmtpSender sender(std::move(relay_settings));
    return run_sync(sender.send(message()));
  }

  std::filesystem::path folder_;
  std::string certificate_;
};

TEST_F(SmtpTlsTest, RequiredUpgrades) {
  const ScriptedRelay relay(with_tls(false));
  const auto got = send(relay, StartTls::required, certificate_);
  ASSERT_TRUE(got) << got.error().error.message;
  EXPECT_TRUE(relay.messages().at(0).tls);
}

TEST_F(SmtpTlsTest, RequiredRefusesARelayWithoutIt) {
  const ScriptedRelay relay({});
  const auto got = send(relay, StartTls::required, certificate_);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::transient);
  EXPECT_TRUE(got.error().error.message.contains("STARTTLS")) << got.error().error.message;
  EXPECT_TRUE(relay.messages().empty());
}

TEST_F(SmtpTlsTest, RequiredRefusesACertificateThatDoesNotVerify) {
  const ScriptedRelay unknown(with_tls(false));
  const auto got = send(unknown, StartTls::required, "");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::transient);
  EXPECT_TRUE(unknown.messages().empty());
  const ScriptedRelay other_name(with_tls(false, "other"));
  EXPECT_FALSE(send(other_name, StartTls::required, (folder_ / "other.pem").string()));
  EXPECT_TRUE(other_name.messages().empty());
}

TEST_F(SmtpTlsTest, OptionalUpgradesWhereItCanAndGoesOnWhereItCannot) {
  const ScriptedRelay able(with_tls(false));
  ASSERT_TRUE(send(able, StartTls::optional, ""));
  EXPECT_TRUE(able.messages().at(0).tls);
  const ScriptedRelay unable({});
  ASSERT_TRUE(send(unable, StartTls::optional, ""));
  EXPECT_FALSE(unable.messages().at(0).tls);
}

TEST_F(SmtpTlsTest, NeverDoesNotAsk) {
  const ScriptedRelay relay(with_tls(false));
  ASSERT_TRUE(send(relay, StartTls::never, ""));
  EXPECT_FALSE(relay.messages().at(0).tls);
}

TEST_F(SmtpTlsTest, SmtpsSpeaksTlsFromTheFirstByte) {
  const ScriptedRelay relay(with_tls(true));
  const auto got = send(relay, StartTls::optional, certificate_, true);
  ASSERT_TRUE(got) << got.error().error.message;
  EXPECT_TRUE(relay.messages().at(0).tls);
  EXPECT_FALSE(send(relay, StartTls::optional, "", true)) << "the certificate is not verified";
}

}  // namespace
}  // namespace s3link::smtp
