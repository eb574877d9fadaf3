#include "adapters/smtp/login.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace s3link::smtp {
namespace {

using mail::RelayAuth;

struct MechanismCase {
  std::string name;
  RelayAuth auth;
  std::string offered;
  std::vector<std::string> want;
};
const std::vector<MechanismCase> kMechanismCases = {
    {"exchange", RelayAuth::automatic, "GSSAPI NTLM LOGIN", {"LOGIN"}},
    {"exchange_online", RelayAuth::automatic, "LOGIN XOAUTH2", {"LOGIN"}},
    {"plain_first", RelayAuth::automatic, "CRAM-MD5 LOGIN PLAIN", {"PLAIN", "LOGIN"}},
    {"cram_md5_by_itself", RelayAuth::automatic, "GSSAPI CRAM-MD5", {"CRAM-MD5"}},
    {"case_and_blanks", RelayAuth::automatic, "  plain\tLogin ", {"PLAIN", "LOGIN"}},
    {"twice", RelayAuth::automatic, "PLAIN PLAIN", {"PLAIN"}},
    {"nothing_known", RelayAuth::automatic, "GSSAPI NTLM DIGEST-MD5 SCRAM-SHA-256", {}},
    {"nothing", RelayAuth::automatic, "", {}},
    {"part_of_a_name", RelayAuth::automatic, "PLAIN-CLIENTTOKEN XLOGIN", {}},
    {"by_name", RelayAuth::login, "PLAIN", {"LOGIN"}},
    {"plain_by_name", RelayAuth::plain, "LOGIN", {"PLAIN"}},
    {"xoauth2", RelayAuth::xoauth2, "LOGIN PLAIN", {"XOAUTH2"}},
    {"none", RelayAuth::none, "PLAIN", {}},
};
class MechanismTest : public testing::TestWithParam<MechanismCase> {};
TEST_P(MechanismTest, IsChosenByUs) {
  EXPECT_EQ(mechanisms_to_try(GetParam().auth, GetParam().offered), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, MechanismTest, testing::ValuesIn(kMechanismCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::smtp
