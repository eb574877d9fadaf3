#include "core/mail/smtp_verdict.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::mail {
namespace {

using enum SmtpPhase;
constexpr SmtpVerdict kRelay{ErrorKind::transient, FailureScope::relay};
constexpr SmtpVerdict kRelayRefuses{ErrorKind::denied, FailureScope::relay};
constexpr SmtpVerdict kRecipientLater{ErrorKind::transient, FailureScope::recipient};
constexpr SmtpVerdict kRecipientNever{ErrorKind::denied, FailureScope::recipient};
constexpr SmtpVerdict kMessageLater{ErrorKind::transient, FailureScope::message};
constexpr SmtpVerdict kMessageNever{ErrorKind::denied, FailureScope::message};

struct VerdictCase {
  std::string name;
  SmtpPhase phase;
  std::string reply;
  SmtpVerdict want;
};
const std::vector<VerdictCase> kVerdictCases = {
    {"cannot_connect", connection, "", kRelay},
    {"silent_greeting", greeting, "", kRelay},
    {"lost_at_rcpt", recipient, "", kRelay},
    {"lost_at_data", data, "", kRelay},
    {"lost_after_the_dot", end_of_data, "", kMessageLater},

    {"greeting_421", greeting, "421 4.7.0 too many connections", kRelay},
    {"greeting_450", greeting, "450 4.7.1 not now", kRelay},
    {"greeting_554", greeting, "554 no SMTP service here", kRelayRefuses},
    {"ehlo_451", hello, "451 later", kRelay},
    {"ehlo_550", hello, "550 5.7.1 helo refused", kRelayRefuses},
    {"starttls_454", hello, "454 4.7.0 TLS not available due to local problem", kRelay},

    {"auth_535", login, "535 5.7.8 authentication failed", kRelayRefuses},
    {"auth_454", login, "454 4.7.0 Temporary authentication failure", kRelay},
    {"auth_504", login, "504 5.5.4 mechanism not supported", kRelayRefuses},
    {"mail_530", sender, "530 5.7.0 Authentication required", kRelayRefuses},
    {"rcpt_530", recipient, "530 5.7.1 Authentication required", kRelayRefuses},

    {"mail_421", sender, "421 4.3.2 service shutting down", kRelay},
    {"mail_450_anvil", sender, "450 4.7.1 Error: too much mail from 127.0.0.1", kRelay},
    {"mail_452_storage", sender, "452 4.3.1 Insufficient system storage", kRelay},
    {"mail_exchange_432", sender, "432 4.3.2 Concurrent connections limit exceeded", kRelay},
    {"mail_550", sender, "550 5.7.1 sender not allowed", kMessageNever},
    {"mail_552_size", sender, "552 5.3.4 Message size exceeds fixed limit", kMessageNever},

    {"rcpt_greylisted_450", recipient, "450 4.2.0 <you@x>: Recipient address rejected: Greylisted", kRecipientLater},
    {"rcpt_greylisted_451", recipient, "451 4.7.1 Greylisting in action, please come back later", kRecipientLater},
    {"rcpt_451_bare", recipient, "451 try again", kRecipientLater},
    {"rcpt_452_full_mailbox", recipient, "452 4.2.2 mailbox full", kRecipientLater},
    {"rcpt_452_storage", recipient, "452 4.3.1 Insufficient system storage", kRelay},
    {"rcpt_450_recipients_rate", recipient, "450 4.2.1 receiving mail at a rate; too many messages", kRecipientLater},
    {"rcpt_421", recipient, "421 4.4.2 timeout", kRelay},
    {"rcpt_exim_ratelimit", recipient, "451 Sender rate limit exceeded", kRelay},
    {"rcpt_550", recipient, "550 5.1.1 no such user", kRecipientNever},
    {"rcpt_554", recipient, "554 5.7.1 Relay access denied", kRecipientNever},

    {"data_451", data, "451 4.3.0 Error: queue file write error", kMessageLater},
    {"data_452", data, "452 4.3.1 Insufficient system storage", kRelay},
    {"data_554", data, "554 5.5.1 no valid recipients", kMessageNever},
    {"dot_451_greylisted_by_filter", end_of_data, "451 4.7.1 Greylisted, please try again later", kMessageLater},
    {"dot_ses_454", end_of_data, "454 Throttling failure: Maximum sending rate exceeded.", kRelay},
    {"dot_ses_quota", end_of_data, "454 Throttling failure: Daily message quota exceeded.", kRelay},
    {"dot_exchange_busy", end_of_data, "451 4.7.500 Server busy. Please try again later", kRelay},
    {"dot_421", end_of_data, "421 4.3.0 closing", kRelay},
    {"dot_550_virus", end_of_data, "550 5.7.1 virus found", kMessageNever},
    {"dot_gmail_quota", end_of_data, "550 5.4.5 Daily user sending limit exceeded", kRelay},
    {"dot_552", end_of_data, "552 message too large", kMessageNever},
};
class SmtpVerdictTest : public testing::TestWithParam<VerdictCase> {};
TEST_P(SmtpVerdictTest, KnowsWhoseTroubleItIs) {
  const SmtpVerdict got = judge(GetParam().phase, GetParam().reply);
  EXPECT_EQ(to_string(got.kind), to_string(GetParam().want.kind));
  EXPECT_STREQ(to_string(got.scope), to_string(GetParam().want.scope));
}
INSTANTIATE_TEST_SUITE_P(Table, SmtpVerdictTest, testing::ValuesIn(kVerdictCases),
                         [](const auto& row) { return row.param.name; });

struct TroubleCase {
  std::string name;
  SendFailure failure;
  bool less, login;
};
const std::vector<TroubleCase> kTroubleCases = {
    {"away", {{ErrorKind::transient, "connection refused", ""}, FailureScope::relay}, false, false},
    {"throttled", {{ErrorKind::transient, "454 Throttling", "454"}, FailureScope::relay}, true, false},
    {"login", {{ErrorKind::denied, "535 no", "535"}, FailureScope::relay}, false, true},
    {"no_mechanism", {{ErrorKind::denied, "no way to log in", ""}, FailureScope::relay}, false, true},
    {"refuses_all", {{ErrorKind::denied, "554 no service", "554"}, FailureScope::relay}, false, false},
    {"recipient", {{ErrorKind::transient, "450 greylisted", "450"}, FailureScope::recipient}, false, false},
};
class TroubleTest : public testing::TestWithParam<TroubleCase> {};
TEST_P(TroubleTest, IsToldApart) {
  EXPECT_EQ(asks_for_less(GetParam().failure), GetParam().less);
  EXPECT_EQ(refuses_login(GetParam().failure), GetParam().login);
}
INSTANTIATE_TEST_SUITE_P(Table, TroubleTest, testing::ValuesIn(kTroubleCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::mail
