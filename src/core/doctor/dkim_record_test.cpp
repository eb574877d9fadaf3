#include "core/doctor/dkim_record.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::doctor {
namespace {

using Texts = std::vector<std::string>;

TEST(FindDkim, ReadsAKey) {
  // RFC 8463, appendix A.2, and the form of RFC 6376, appendix C.
  auto key = find_dkim(Texts{"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="});
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->key_type, "ed25519");
  EXPECT_FALSE(key->testing);
  key = find_dkim(Texts{"p=MIGf MA0G\tCSqG; t=s : y"});
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(key->key_type, "rsa");
  EXPECT_TRUE(key->testing);
}

TEST(FindDkim, SaysWhatIsWrong) {
  EXPECT_EQ(find_dkim(Texts{}).error().kind, ErrorKind::not_found);
  for (const char* const wrong :
       {"v=DKIM1; p=", "v=DKIM2; p=AAAA", "v=DKIM1; k=rsa", "p=###", "k=dsa; p=AAAA", "hello"}) {
    const auto refused = find_dkim(Texts{wrong});
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().kind, ErrorKind::invalid_argument) << wrong;
  }
  EXPECT_EQ(find_dkim(Texts{"p=AAAA", "p=BBBB"}).error().kind, ErrorKind::invalid_argument);
}

TEST(DkimSelector, IsPartOfAName) {
  EXPECT_TRUE(is_dkim_selector("s1"));
  EXPECT_TRUE(is_dkim_selector("brisbane.mail_2"));
  for (const char* const wrong : {"", ".a", "a.", "a..b", "a b", "a/b", "\n"}) EXPECT_FALSE(is_dkim_selector(wrong));
  EXPECT_FALSE(is_dkim_selector(std::string(101, 'a')));
  for (const auto common : common_dkim_selectors()) EXPECT_TRUE(is_dkim_selector(common)) << common;
}

}  // namespace
}  // namespace s3link::doctor
