#include "core/base/secret_file.hpp"

#include <gtest/gtest.h>

namespace s3link {
namespace {

struct AccessCase {
  std::string name;
  FileAccess file;
  unsigned user;
  bool good;
};
const std::vector<AccessCase> kAccessCases = {
    {"own_0600", {0600, 1000}, 1000, true},
    {"own_0400", {0400, 1000}, 1000, true},
    {"own_0640", {0640, 1000}, 1000, false},
    {"own_0604", {0604, 1000}, 1000, false},
    {"own_0700", {0700, 1000}, 1000, true},
    {"own_group_execute", {0610, 1000}, 1000, false},
    {"root_0600", {0600, 0}, 1000, true},
    {"root_0640", {0640, 0}, 1000, true},
    {"root_0440_of_a_mount", {0100440, 0}, 1000, true},
    {"root_0644", {0644, 0}, 1000, false},
    {"root_group_writes", {0660, 0}, 1000, false},
    {"root_reads_its_own_0640", {0640, 0}, 0, true},
    {"root_reads_its_own_0644", {0644, 0}, 0, false},
    {"root_reads_anothers_0600", {0600, 1000}, 0, true},
    {"root_reads_anothers_0640", {0640, 1000}, 0, false},
    {"anothers_0600", {0600, 1001}, 1000, false},
    {"anothers_0640", {0640, 1001}, 1000, false},
};
class SecretFileTest : public testing::TestWithParam<AccessCase> {};
TEST_P(SecretFileTest, FollowsPostgresqlsRule) {
  const auto fault = secret_file_fault(GetParam().file, GetParam().user);
  EXPECT_EQ(!fault, GetParam().good) << fault.value_or("");
  if (fault) {
    EXPECT_TRUE(fault->contains("chmod") || fault->contains("chown")) << *fault;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, SecretFileTest, testing::ValuesIn(kAccessCases),
                         [](const auto& row) { return row.param.name; });

TEST(FirstLine, IsWhatWasTyped) {
  for (const char* text : {"secret", "secret\n", "secret\r\n", "\xef\xbb\xbfsecret", "\xef\xbb\xbfsecret\r\nmore\n"}) {
    EXPECT_EQ(first_line(text), "secret");
  }
  EXPECT_EQ(first_line("\xef\xbb\xbf\n"), "");
  EXPECT_EQ(first_line(" sec ret "), " sec ret ");
  EXPECT_EQ(without_byte_order_mark("\xef\xbb\xbf"
                                    "a\nb"),
            "a\nb");
}

}  // namespace
}  // namespace s3link
