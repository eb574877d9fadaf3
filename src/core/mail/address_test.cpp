#include "core/mail/address.hpp"

#include <gtest/gtest.h>

namespace s3link::mail {
namespace {

TEST(Address, AcceptsWhatRelaysAccept) {
  for (const char* good :
       {"you@localhost", "a.b+c@example.org", "x@[127.0.0.1]", "x@[IPv6:::1]", "o'hara@a-b.example"}) {
    ASSERT_TRUE(Address::parse(good)) << good;
  }
  EXPECT_EQ(Address::parse("a@b.example")->domain(), "b.example");
}

TEST(Address, CaseCountsBeforeTheAtAlone) {
  const auto text = [](std::string_view written) { return Address::parse(written)->text(); };
  EXPECT_EQ(text("Ann@X.TEST"), "Ann@x.test");
  EXPECT_EQ(text("a@[ipV6:2001:DB8::1]"), "a@[IPv6:2001:db8::1]");
  EXPECT_EQ(text("a@[192.0.2.1]"), "a@[192.0.2.1]");
  EXPECT_EQ(*Address::parse("a@x.test"), *Address::parse("a@X.Test"));
  EXPECT_EQ(*Address::parse_utf8("grüße@x.test"), *Address::parse_utf8("grüße@X.TEST"));
  EXPECT_NE(*Address::parse("a@x.test"), *Address::parse("A@x.test"));
  EXPECT_EQ(Address::parse("a@X.TEST")->domain(), "x.test");
}

TEST(Address, RefusesWhatCouldInject) {
  for (const std::string& bad : {std::string("you"), std::string("@x"), std::string("a@"), std::string("a b@x"),
                                 std::string("a@x\r\nRCPT TO:<b@x>"), std::string("a..b@x"), std::string(".a@x"),
                                 std::string("a@-x"), std::string("a@x..y"), std::string("<a@x>"),
                                 std::string(65, 'a') + "@x", std::string("a@b@c"), std::string("a,b@x")}) {
    EXPECT_FALSE(Address::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace s3link::mail
