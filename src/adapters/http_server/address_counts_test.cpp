#include "adapters/http_server/address_counts.hpp"

#include <gtest/gtest.h>

namespace s3link::http_server {
namespace {

IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

TEST(AddressCounts, OneAddressCannotTakeThePlaceOfAnother) {
  AddressCounts counts(2, {});
  EXPECT_TRUE(counts.enter(address("203.0.113.9")));
  EXPECT_TRUE(counts.enter(address("203.0.113.9")));
  EXPECT_FALSE(counts.enter(address("203.0.113.9")));
  EXPECT_FALSE(counts.enter(address("::ffff:203.0.113.9"))) << "the same address";
  EXPECT_TRUE(counts.enter(address("203.0.113.10")));
  counts.leave(address("203.0.113.9"));
  EXPECT_TRUE(counts.enter(address("203.0.113.9")));
  EXPECT_FALSE(counts.enter(address("203.0.113.9")));
}

TEST(AddressCounts, ProxiesAndThisMachineSpeakForMany) {
  const AddressCounts counts(2, {*IpNetwork::parse("10.0.0.0/8")});
  EXPECT_TRUE(counts.is_limited(address("203.0.113.9")));
  EXPECT_TRUE(counts.is_limited(address("2001:db8::1")));
  for (const char* text : {"127.0.0.1", "::1", "10.1.2.3"}) EXPECT_FALSE(counts.is_limited(address(text))) << text;
  EXPECT_FALSE(AddressCounts(0, {}).is_limited(address("203.0.113.9")));
}

}  // namespace
}  // namespace s3link::http_server
