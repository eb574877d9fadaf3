#include "core/mail/relay_url.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace s3link::mail {
namespace {

struct RelayCase {
  std::string name, text;
  std::optional<RelayUrl> want;  // empty: refused
};
const std::vector<RelayCase> kRelayCases = {
    {"plain", "smtp://relay.example.org:2525", RelayUrl{"relay.example.org", 2525, "", false, StartTls::optional}},
    {"default_port", "smtp://relay", RelayUrl{"relay", 25, "", false, StartTls::optional}},
    {"trailing_slash", "smtp://relay/", RelayUrl{"relay", 25, "", false, StartTls::optional}},
    {"user_requires_tls", "smtp://me@relay:587", RelayUrl{"relay", 587, "me", false, StartTls::required}},
    {"submission_port", "smtp://me@relay", RelayUrl{"relay", 587, "me", false, StartTls::required}},
    {"user_is_decoded", "smtps://me%40example.org@relay",
     RelayUrl{"relay", 465, "me@example.org", true, StartTls::never}},
    {"user_with_at", "smtps://me@example.org@relay", RelayUrl{"relay", 465, "me@example.org", true, StartTls::never}},
    {"starttls_required", "smtp://relay:25?starttls=required", RelayUrl{"relay", 25, "", false, StartTls::required}},
    {"starttls_never", "smtp://relay:25?starttls=never", RelayUrl{"relay", 25, "", false, StartTls::never}},
    {"clear_password_here", "smtp://me@127.0.0.1:25?starttls=never",
     RelayUrl{"127.0.0.1", 25, "me", false, StartTls::never}},
    {"ipv6", "smtp://[::1]:2525", RelayUrl{"::1", 2525, "", false, StartTls::optional}},
    {"clear_password_elsewhere", "smtp://me@relay:25?starttls=never", {}},
    {"password_in_url", "smtp://me:hunter2@relay:587", {}},
    {"empty_user", "smtp://@relay", {}},
    {"broken_escape", "smtp://me%4@relay", {}},
    {"control_in_user", "smtp://me%0d%0aDATA@relay", {}},
    {"other_scheme", "http://relay", {}},
    {"no_host", "smtp://:25", {}},
    {"blank_in_host", "smtp://re lay", {}},
    {"port_zero", "smtp://relay:0", {}},
    {"port_too_large", "smtp://relay:65536", {}},
    {"port_empty", "smtp://relay:", {}},
    {"unknown_option", "smtp://relay?tls=yes", {}},
    {"unknown_choice", "smtp://relay?starttls=maybe", {}},
    {"starttls_over_tls", "smtps://relay?starttls=required", {}},
    {"path", "smtp://relay/inbox", {}},
    {"ipv6_unclosed", "smtp://[::1", {}},
    {"empty", "", {}},
};
class RelayUrlTest : public testing::TestWithParam<RelayCase> {};
TEST_P(RelayUrlTest, ParsesOrRefuses) {
  const auto got = RelayUrl::parse(GetParam().text);
  EXPECT_EQ(got ? std::optional(*got) : std::nullopt, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, RelayUrlTest, testing::ValuesIn(kRelayCases),
                         [](const auto& row) { return row.param.name; });

TEST(RelayUrl, RefusalDoesNotRepeatAPassword) {
  const auto got = RelayUrl::parse("smtp://me:hunter2@relay:587");
  ASSERT_FALSE(got);
  EXPECT_FALSE(got.error().message.contains("hunter2"));
}

}  // namespace
}  // namespace s3link::mail
