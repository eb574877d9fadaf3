#include "adapters/smtp/smtp_sender.hpp"

#include <gmock/gmock.h>
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
  out.timeouts = {.connect = 10s, .reply = 10s, .data_start = 10s, .data_block = 10s, .data_end = 10s};
  return out;
}

struct RefusalCase {
  std::string name;
  ScriptedRelay::Script script;
  ErrorKind kind;
  std::string code;
  std::string message;  // beginning
  ports::FailureScope scope = ports::FailureScope::relay;
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

constexpr auto kMessage = ports::FailureScope::message;
constexpr auto kRecipient = ports::FailureScope::recipient;
const std::vector<RefusalCase> kRefusalCases = {
    {"greeting_421", greets("421 4.3.2 too busy"), ErrorKind::transient, "421", "421 4.3.2 too busy"},
    {"greeting_554", greets("554 5.7.1 no service for you"), ErrorKind::denied, "554", "554 5.7.1 no service for you"},
    {"greeting_garbage", greets("SSH-2.0-OpenSSH_9.2"), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"greeting_close", greets(ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"mail_451", answers("MAIL", "451 4.3.0 later"), ErrorKind::transient, "451", "451 4.3.0 later"},
    {"mail_553", answers("MAIL", "553 5.1.8 not from you"), ErrorKind::denied, "553", "553 5.1.8 not from you",
     kMessage},
    {"mail_close", answers("MAIL", ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"rcpt_450", answers("RCPT", "450 4.2.0 greylisted"), ErrorKind::transient, "450", "450 4.2.0 greylisted",
     kRecipient},
    {"rcpt_550", answers("RCPT", "550-5.1.1 no\r\n550 such user"), ErrorKind::denied, "550", "550 5.1.1 no such user",
     kRecipient},
    {"rcpt_close", answers("RCPT", ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"rcpt_garbage_and_close", answers("RCPT", "\x01\x02\r\n\r\nnonsense"), ErrorKind::transient, "",
     "relay 127.0.0.1:"},
    {"data_452", answers("DATA", "452 4.3.1 no space"), ErrorKind::transient, "452", "452 4.3.1 no space"},
    {"data_554", answers("DATA", "554 5.5.1 no recipients"), ErrorKind::denied, "554", "554 5.5.1 no recipients",
     kMessage},
    {"data_close", answers("DATA", ScriptedRelay::kClose), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"end_451", answers(".", "451 4.3.0 disk"), ErrorKind::transient, "451", "451 4.3.0 disk", kMessage},
    {"end_552", answers(".", "552 5.2.2 full"), ErrorKind::denied, "552", "552 5.2.2 full", kMessage},
    {"mail_421", answers("MAIL", "421 4.3.2 going down<close>"), ErrorKind::transient, "421", "421 4.3.2 going down"},
    {"data_250", answers("DATA", "250 done already"), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"mail_354", answers("MAIL", "354 go on"), ErrorKind::transient, "", "relay 127.0.0.1:"},
    {"end_354", answers(".", "354 go on"), ErrorKind::transient, "", "no answer after the message was handed over",
     kMessage},
};
class RefusalTest : public testing::TestWithParam<RefusalCase> {};
TEST_P(RefusalTest, IsToldInTheRelaysWords) {
  ScriptedRelay relay(GetParam().script);
  RelaySettings relay_settings = settings(relay.port());
  relay_settings.timeouts.reply = 5s;
  SmtpSender sender(std::move(relay_settings));
  const auto got = run_sync(sender.send(message()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, GetParam().kind) << got.error().error.message;
  EXPECT_EQ(got.error().error.code, GetParam().code);
  EXPECT_STREQ(to_string(got.error().scope), to_string(GetParam().scope));
  EXPECT_EQ(got.error().may_have_been_taken, GetParam().name == "end_354");
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

TEST(SmtpSender, GreetsWithTheNameThatIsSet) {
  const ScriptedRelay relay({});
  RelaySettings relay_settings = settings(relay.port());
  relay_settings.helo_name = "[192.0.2.7]";
  SmtpSender sender(std::move(relay_settings));
  ASSERT_TRUE(run_sync(sender.send(message())));
  EXPECT_EQ(relay.commands().at(0), "EHLO [192.0.2.7]");
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

struct StallCase {
  std::string name, verb;
  std::chrono::milliseconds RelayTimeouts::* timeout;
};
const std::vector<StallCase> kStallCases = {
    {"greeting", "CONNECT", &RelayTimeouts::reply}, {"ehlo", "EHLO", &RelayTimeouts::reply},
    {"mail", "MAIL", &RelayTimeouts::reply},        {"rcpt", "RCPT", &RelayTimeouts::reply},
    {"data", "DATA", &RelayTimeouts::data_start},   {"message", "READ", &RelayTimeouts::data_block},
    {"final_dot", ".", &RelayTimeouts::data_end},
};
/// The time of one step is short, all others are those of RFC 5321: with another step's time, this would take minutes.
class StallTest : public testing::TestWithParam<StallCase> {};
TEST_P(StallTest, IsEndedByTheTimeOfItsStep) {
  const ScriptedRelay relay(answers(GetParam().verb, ScriptedRelay::kStall));
  RelaySettings relay_settings = settings(relay.port());
  relay_settings.timeouts = {};
  relay_settings.timeouts.*GetParam().timeout = GetParam().verb == "CONNECT" ? 1s : 2s;
  SmtpSender sender(std::move(relay_settings));
  std::string text = "Subject: s\r\n\r\n";
  if (GetParam().verb == "READ") text += std::string(30'000'000, 'x') + "\r\n";  // more than sockets hold
  const auto got = run_sync(sender.send(message("you@example.net", text)));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::transient);
  EXPECT_EQ(got.error().may_have_been_taken, GetParam().verb == ".");
  EXPECT_STREQ(to_string(got.error().scope), GetParam().verb == "RCPT"                             ? "recipient"
                                             : GetParam().verb == "DATA" || GetParam().verb == "." ? "message"
                                                                                                   : "relay");
}
INSTANTIATE_TEST_SUITE_P(Table, StallTest, testing::ValuesIn(kStallCases),
                         [](const auto& row) { return row.param.name; });

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
  EXPECT_TRUE(run_sync(sender.send(message())));
  EXPECT_TRUE(run_sync(sender.send(message())));
  EXPECT_EQ(relay.connections(), 2U);
  EXPECT_EQ(relay.messages().size(), 3U);
}

// RFC 5321 §3.8: a relay that has had enough of a connection says 421. That is nobody's failed attempt.
TEST(SmtpSender, KeptConnectionThatIsGivenUpCostsNothing) {
  for (const char* verb : {"MAIL", "RCPT", "DATA"}) {
    ScriptedRelay::Script script;
    script.replies[verb] = {verb == std::string("DATA") ? "354 go on" : "250 ok", "421 4.7.0 too many messages<close>"};
    const ScriptedRelay relay(script);
    SmtpSender sender(settings(relay.port()));
    ASSERT_TRUE(run_sync(sender.send(message()))) << verb;
    const auto second = run_sync(sender.send(message()));
    EXPECT_TRUE(second) << verb << ": " << second.error().error.message;
    EXPECT_EQ(relay.connections(), 2U) << verb;
    EXPECT_EQ(relay.messages().size(), 2U) << verb;
  }
}

TEST(SmtpSender, NewConnectionThatIsGivenUpIsAFailure) {
  const ScriptedRelay relay(answers("MAIL", "421 4.7.0 too busy<close>"));
  SmtpSender sender(settings(relay.port()));
  const auto got = run_sync(sender.send(message()));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.code, "421");
  EXPECT_EQ(relay.connections(), 1U);
}

TEST(SmtpSender, ConnectionOnWhichTooMuchWasSaidIsReplaced) {
  const ScriptedRelay relay(answers(".", "250 2.0.0 Ok: queued\r\n550 5.7.1 and something else"));
  SmtpSender sender(settings(relay.port()));
  EXPECT_TRUE(run_sync(sender.send(message())));
  EXPECT_TRUE(run_sync(sender.send(message("two@example.net"))));
  ASSERT_EQ(relay.messages().size(), 2U);
  EXPECT_EQ(relay.messages()[1].connection, 2U);
}

TEST(SmtpSender, RefusedRecipientKeepsAConnectionThatConfirmsTheReset) {
  for (const char* reset : {"250 2.0.0 ok", "500 5.5.1 what", "<close>"}) {
    ScriptedRelay::Script script;
    script.replies["RCPT"] = {"550 5.1.1 no such user"};
    script.replies["RSET"] = {reset};
    const ScriptedRelay relay(script);
    SmtpSender sender(settings(relay.port()));
    EXPECT_FALSE(run_sync(sender.send(message())));
    EXPECT_TRUE(run_sync(sender.send(message())));
    EXPECT_EQ(relay.connections(), std::string_view(reset).starts_with("250") ? 1U : 2U) << reset;
  }
}

// A reply that comes after we stopped waiting was once read as the answer to the next message: holiday.jpg was not
// sent, and its dead letter said "virus found in eicar.zip".
class LateAnswerTest : public testing::TestWithParam<const char*> {};
TEST_P(LateAnswerTest, IsNeverTakenForThatOfAnotherMessage) {
  const std::string verb = GetParam();
  const ScriptedRelay relay(answers(verb, ScriptedRelay::kLate + std::string("550 5.7.1 virus found in eicar.zip")));
  RelaySettings relay_settings = settings(relay.port());
  relay_settings.concurrency = 1;
  relay_settings.timeouts = {.connect = 10s, .reply = 2s, .data_start = 2s, .data_block = 10s, .data_end = 2s};
  SmtpSender sender(std::move(relay_settings));
  const auto first = run_sync(sender.send(message("eicar@example.net", "Subject: eicar\r\n\r\n.\r\n")));
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().error.kind, ErrorKind::transient);
  EXPECT_EQ(first.error().error.code, "");
  EXPECT_EQ(first.error().may_have_been_taken, verb == ".");
  const auto second = run_sync(sender.send(message("holiday@example.net", "Subject: holiday\r\n\r\nsun\r\n")));
  ASSERT_TRUE(second) << second.error().error.message;
  EXPECT_TRUE(second->reply.starts_with("250 2.0.0 Ok: queued as ")) << second->reply;
  ASSERT_FALSE(relay.messages().empty());
  EXPECT_EQ(relay.messages().back().to, "holiday@example.net");
  EXPECT_EQ(relay.messages().back().data, "Subject: holiday\r\n\r\nsun\r\n");
  EXPECT_EQ(relay.messages().back().connection, 2U);
}
INSTANTIATE_TEST_SUITE_P(Verbs, LateAnswerTest, testing::Values("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."),
                         [](const auto& row) { return std::string(row.param) == "." ? "dot" : row.param; });

TEST(SmtpSender, ALate250IsNoReasonToRepeat) {
  const ScriptedRelay relay(answers(".", ScriptedRelay::kLate + std::string("250 2.0.0 Ok: queued as LATE")));
  RelaySettings relay_settings = settings(relay.port());
  relay_settings.concurrency = 1;
  relay_settings.timeouts.data_end = 3s;
  SmtpSender sender(std::move(relay_settings));
  const auto first = run_sync(sender.send(message("first@example.net")));
  ASSERT_FALSE(first);
  EXPECT_TRUE(first.error().may_have_been_taken) << "what it means for the next attempt: core/delivery/decision";
  EXPECT_STREQ(to_string(first.error().scope), "message") << "the relay is not paused";
  EXPECT_EQ(relay.messages().size(), 1U) << "handed over once, and not again at once";
  const auto second = run_sync(sender.send(message("second@example.net")));
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->reply.contains("LATE")) << "it is nobody else's";
  EXPECT_EQ(relay.messages().size(), 2U);
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

/// Passwords in order: the next one after each refusal.
class FakeSecrets final : public ports::LoginSecrets {
 public:
  explicit FakeSecrets(std::vector<std::string> passwords) : passwords_(std::move(passwords)) {}
  Awaitable<Result<Shared>> current() override {
    co_return std::make_shared<const Secret>(std::string(passwords_.at(at_)));
  }
  Awaitable<Result<Shared>> after_refusal_of(Shared) override {
    if (at_ + 1 == passwords_.size()) co_return nullptr;
    ++at_;
    co_return co_await current();
  }

 private:
  std::vector<std::string> passwords_;
  std::size_t at_ = 0;
};

class SmtpLoginTest : public testing::Test {
 protected:
  static ScriptedRelay::Script offers(const std::string& mechanisms) {
    ScriptedRelay::Script script;
    script.ehlo = "250-relay.test\r\n250 AUTH " + mechanisms;
    return script;
  }
  static ports::SendResult send(const ScriptedRelay& relay, const std::vector<std::string>& passwords = {"hunter2 ä"},
                                mail::RelayAuth auth = mail::RelayAuth::automatic) {
    RelaySettings relay_settings = settings(relay.port());
    relay_settings.url.user = "files@example.org";
    relay_settings.auth = auth;
    FakeSecrets secrets(passwords);
    SmtpSender sender(std::move(relay_settings), &secrets);
    return run_sync(sender.send(message()));
  }
  static std::string plain(const std::string& password) {
    return "AUTH PLAIN " + base64_encode(std::string("\0files@example.org\0", 19) + password);
  }
  /// What answers "AUTH LOGIN" as relays do; the lines that follow are known by their beginnings.
  static void answer_login(ScriptedRelay::Script& script, const std::string& password, const std::string& verdict) {
    script.replies["AUTH"].push_back("334 VXNlcm5hbWU6");
    script.replies[base64_encode("files@example.org").substr(0, 4)] = {"334 UGFzc3dvcmQ6"};
    script.replies[base64_encode(password).substr(0, 4)] = {verdict};
  }
};

TEST_F(SmtpLoginTest, LogsIn) {
  const ScriptedRelay relay(offers("PLAIN"));
  const auto got = send(relay);
  ASSERT_TRUE(got) << got.error().error.message;
  EXPECT_THAT(relay.commands(), testing::Contains(plain("hunter2 ä")));
}

// Exchange offers "GSSAPI NTLM LOGIN"; libcurl alone picks GSSAPI for user@domain, and gives up.
TEST_F(SmtpLoginTest, WhatIsOfferedBesideNeverGetsInTheWay) {
  ScriptedRelay::Script script = offers("GSSAPI NTLM LOGIN");
  answer_login(script, "hunter2", "235 2.7.0 welcome");
  const ScriptedRelay relay(script);
  const auto got = send(relay, {"hunter2"});
  ASSERT_TRUE(got) << got.error().error.message;
  const auto commands = relay.commands();
  EXPECT_THAT(commands, testing::Contains("AUTH LOGIN"));
  EXPECT_THAT(commands, testing::Contains(base64_encode("hunter2")));
}

TEST_F(SmtpLoginTest, TheNextMechanismIsTriedOnTheSameConnection) {
  for (const char* refusal : {"504 5.5.4 unrecognized", "535 5.7.3 unsuccessful", "534 5.7.9 too weak"}) {
    ScriptedRelay::Script script = offers("PLAIN LOGIN CRAM-MD5");
    script.replies["AUTH"] = {refusal};
    answer_login(script, "hunter2", "235 2.7.0 welcome");
    const ScriptedRelay relay(script);
    const auto got = send(relay, {"hunter2"});
    ASSERT_TRUE(got) << refusal << ": " << got.error().error.message;
    EXPECT_EQ(relay.connections(), 1U);
  }
}

TEST_F(SmtpLoginTest, MechanismWithoutAPasswordInClearIsUsedWhereThereIsNoOther) {
  ScriptedRelay::Script script = offers("GSSAPI CRAM-MD5");
  // RFC 2195 §2 with the user files@example.org.
  script.replies["AUTH"] = {"334 PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"};
  script.replies[base64_encode("files@example.org").substr(0, 4)] = {"235 2.7.0 welcome"};
  const ScriptedRelay relay(script);
  const auto got = send(relay, {"tanstaaftanstaaf"});
  EXPECT_TRUE(got) << got.error().error.message;
}

TEST_F(SmtpLoginTest, NoMechanismInCommonNamesTheSetting) {
  const ScriptedRelay relay(offers("GSSAPI NTLM"));
  const auto got = send(relay);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().scope, ports::FailureScope::relay);
  EXPECT_THAT(got.error().error.message, testing::HasSubstr("only GSSAPI, NTLM"));
  EXPECT_THAT(got.error().error.message, testing::HasSubstr("email.auth"));
}

TEST_F(SmtpLoginTest, NoLoginOfferedIsNotPassedOver) {
  const ScriptedRelay relay({});
  const auto got = send(relay);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().scope, ports::FailureScope::relay);
  EXPECT_TRUE(relay.messages().empty());
  EXPECT_TRUE(send(relay, {"x"}, mail::RelayAuth::none));
}

TEST_F(SmtpLoginTest, TokensTravelAsXoauth2) {
  const std::string token(1'500, 't');  // longer than a command may be: it is asked for
  ScriptedRelay::Script script = offers("LOGIN XOAUTH2");
  script.replies["AUTH"] = {"334 "};
  const std::string response = base64_encode(
      "user=files@example.org\x01"
      "auth=Bearer " +
      token + "\x01\x01");
  script.replies[response.substr(0, 4)] = {"235 2.7.0 welcome"};
  const ScriptedRelay relay(script);
  const auto got = send(relay, {token}, mail::RelayAuth::xoauth2);
  ASSERT_TRUE(got) << got.error().error.message;
  EXPECT_THAT(relay.commands(), testing::Contains(response));
}

TEST_F(SmtpLoginTest, RefusedTokenIsReplacedOnceAndToldWithoutIt) {
  ScriptedRelay::Script script = offers("XOAUTH2");
  script.replies["AUTH"] = {"334 " + base64_encode(R"({"status":"401","access_token":"old-token"})")};
  script.replies[""] = {"535 5.7.3 Authentication unsuccessful"};
  const ScriptedRelay relay(script);
  EXPECT_TRUE(send(relay, {"old-token", "new-token"}, mail::RelayAuth::xoauth2));
  const ScriptedRelay strict(script);
  const auto got = send(strict, {"old-token"}, mail::RelayAuth::xoauth2);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.code, "535");
  EXPECT_THAT(got.error().error.message, testing::HasSubstr("401"));
  EXPECT_THAT(got.error().error.message, testing::Not(testing::HasSubstr("old-token")));
}

TEST_F(SmtpLoginTest, WrongPasswordIsDeniedAndNamesTheSetting) {
  ScriptedRelay::Script script = offers("PLAIN");
  script.replies["AUTH"] = {"535 5.7.8 authentication failed"};
  const ScriptedRelay relay(script);
  const auto got = send(relay, {"hunter2"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::denied);
  EXPECT_EQ(got.error().scope, ports::FailureScope::relay);
  EXPECT_EQ(got.error().error.code, "535");
  EXPECT_TRUE(got.error().error.message.starts_with("535 5.7.8 authentication failed")) << got.error().error.message;
  EXPECT_TRUE(got.error().error.message.contains("email.password_file"));
  EXPECT_FALSE(got.error().error.message.contains("hunter2"));
}

TEST_F(SmtpLoginTest, AnotherPasswordIsTriedAtOnce) {
  ScriptedRelay::Script script = offers("PLAIN");
  script.replies["AUTH"] = {"535 5.7.8 authentication failed"};
  const ScriptedRelay relay(script);
  EXPECT_TRUE(send(relay, {"old", "new"}));
  EXPECT_THAT(relay.commands(), testing::Contains(plain("new")));
}

TEST_F(SmtpLoginTest, RelayThatHangsUpOnTheSecondTryIsToldByItsFirstRefusal) {
  ScriptedRelay::Script script = offers("PLAIN LOGIN");
  script.replies["AUTH"] = {"535 5.7.8 authentication failed", ScriptedRelay::kClose};
  const ScriptedRelay relay(script);
  const auto got = send(relay, {"hunter2"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.code, "535");
}

TEST_F(SmtpLoginTest, LoginThatFailsForNowIsTransient) {
  ScriptedRelay::Script script = offers("PLAIN LOGIN");
  script.replies["AUTH"] = {"454 4.7.0 temporary authentication failure"};
  const ScriptedRelay relay(script);
  const auto got = send(relay);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.kind, ErrorKind::transient);
  EXPECT_EQ(got.error().scope, ports::FailureScope::relay);
}

TEST(SmtpSender, AddressOutsideAsciiNeedsSmtputf8) {
  ScriptedRelay::Script script;
  script.ehlo = "250-relay.test\r\n250-8BITMIME\r\n250-SIZE 1000000\r\n250 SMTPUTF8";
  const ScriptedRelay able(script);
  SmtpSender sender(settings(able.port()));
  const std::string text = "To: grüße@example.net\r\n\r\nx\r\n";
  ASSERT_TRUE(run_sync(sender.send(message("grüße@example.net", text))));
  EXPECT_EQ(able.commands().at(1),
            "MAIL FROM:<files@example.org> SIZE=" + std::to_string(text.size()) + " BODY=8BITMIME SMTPUTF8");
  const ScriptedRelay unable({});
  SmtpSender other(settings(unable.port()));
  const auto refused = run_sync(other.send(message("grüße@example.net", text)));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().error.kind, ErrorKind::denied);
  EXPECT_EQ(refused.error().scope, ports::FailureScope::recipient);
  EXPECT_TRUE(run_sync(other.send(message())));
  EXPECT_EQ(unable.connections(), 1U);
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
