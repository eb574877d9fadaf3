#include "core/mail/address.hpp"

#include <gtest/gtest.h>

namespace s3link::mail {
namespace {

TEST(Address, AcceptsWhatRelaysAccept) {
  for (const char* good : {"you@localhost", "a.b+c@example.org", "x@[127.0.0.1]", "x@[IPv6:::1]", "o'hara@a-b.example"}) {
    ASSERT_TRUE(Address::parse(good)) << good;
  }
  EXPECT_EQ(Address::parse("a@b.example")->domain(), "b.example");
}

TEST(Address, RefusesWhatCouldInject) {
  for (const std::string& bad :
       {std::string("you"), std::string("@x"), std::string("a@"), std::string("a b@x"), std::string("a@x\r\nRCPT TO:<b@x>"),
        std::string("a..b@x"), std::string(".a@x"), std::string("a@-x"), std::string("a@x..y"), std::string("<a@x>"),
        std::string(65, 'a') + "@x", std::string("a@b@c"), std::string("a,b@x")}) {
    EXPECT_FALSE(Address::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace s3link::mail
