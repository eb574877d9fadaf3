#include "core/doctor/sender_domain.hpp"

#include <gtest/gtest.h>

namespace s3link::doctor {
namespace {

TEST(SenderDomain, SpecialNamesHaveNoPublicRecords) {
  for (const char* const domain : {"localhost", "mailhost", "[192.0.2.1]", "example.test", "a.b.TEST", "host.local",
                                   "router.home.arpa", "localhost.localdomain", "x.invalid"}) {
    EXPECT_NE(why_no_public_records(domain), "") << domain;
  }
}

TEST(SenderDomain, OthersMayHaveSome) {
  for (const char* const domain : {"example.org", "latest.io", "a.test.example.com", "home-arpa.net"}) {
    EXPECT_EQ(why_no_public_records(domain), "") << domain;
  }
}

}  // namespace
}  // namespace s3link::doctor
