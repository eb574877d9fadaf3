#include "core/base/ip_address.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link {
namespace {

struct AddressCase {
  std::string name, text, want;  // want empty: refused
};
const std::vector<AddressCase> kAddressCases = {
    {"v4", "192.0.2.1", "192.0.2.1"},
    {"v4_largest", "255.255.255.255", "255.255.255.255"},
    {"v4_too_large", "256.0.0.1", ""},
    {"v4_leading_zero", "192.168.001.010", ""},
    {"v4_hexadecimal", "0x7f.0.0.1", ""},
    {"v4_short", "127.1", ""},
    {"v4_long", "1.2.3.4.5", ""},
    {"v4_empty_part", "1..3.4", ""},
    {"v4_blank", "1.2.3.4 ", ""},
    {"loopback", "::1", "::1"},
    {"any", "::", "::"},
    {"written_out", "0:0:0:0:0:0:0:1", "::1"},
    {"upper_case", "2001:DB8::A", "2001:db8::a"},
    {"leading_zeros", "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
    {"longest_run", "1:0:0:2:0:0:0:3", "1:0:0:2::3"},
    {"first_of_equal_runs", "1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
    {"single_zero_stays", "1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
    {"gap_at_the_end", "1::", "1::"},
    {"mapped", "::ffff:192.0.2.1", "192.0.2.1"},
    {"mapped_in_groups", "::ffff:c000:201", "192.0.2.1"},
    {"v4_at_the_end", "64:ff9b::192.0.2.1", "64:ff9b::c000:201"},
    {"two_gaps", "1::2::3", ""},
    {"eight_and_a_gap", "1:2:3:4:5:6:7:8::", ""},
    {"nine", "1:2:3:4:5:6:7:8:9", ""},
    {"seven", "1:2:3:4:5:6:7", ""},
    {"long_group", "12345::", ""},
    {"colon_at_the_end", "1:2:3:4:5:6:7:", ""},
    {"one_colon_first", ":1::", ""},
    {"zone", "fe80::1%eth0", ""},
    {"brackets", "[::1]", ""},
    {"v4_in_the_middle", "::1.2.3.4:1", ""},
    {"name", "localhost", ""},
    {"empty", "", ""},
};
class AddressTest : public testing::TestWithParam<AddressCase> {};
TEST_P(AddressTest, ParsesOrRefuses) {
  const auto got = IpAddress::parse(GetParam().text);
  EXPECT_EQ(got ? got->text() : "", GetParam().want);
  if (got) EXPECT_EQ(IpAddress::parse(got->text()), got);
}
INSTANTIATE_TEST_SUITE_P(Table, AddressTest, testing::ValuesIn(kAddressCases),
                         [](const auto& row) { return row.param.name; });

TEST(IpAddress, KnowsTheLoopback) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(IpAddress::parse(text)->is_loopback()) << text;
  }
  for (const char* text : {"128.0.0.1", "::2", "1::1", "::"})
    EXPECT_FALSE(IpAddress::parse(text)->is_loopback()) << text;
}

struct NetworkCase {
  std::string name, network, address;
  std::optional<bool> want;  // empty: refused
};
const std::vector<NetworkCase> kNetworkCases = {
    {"inside", "10.0.0.0/8", "10.255.0.1", true},
    {"outside", "10.0.0.0/8", "11.0.0.1", false},
    {"odd_prefix_inside", "192.0.2.128/25", "192.0.2.200", true},
    {"odd_prefix_outside", "192.0.2.128/25", "192.0.2.127", false},
    {"single", "192.0.2.1", "192.0.2.1", true},
    {"single_other", "192.0.2.1", "192.0.2.2", false},
    {"mapped", "10.0.0.0/8", "::ffff:10.1.2.3", true},
    {"everything", "0.0.0.0/0", "203.0.113.9", true},
    {"v6_is_not_in_all_of_v4", "0.0.0.0/0", "2001:db8::1", false},
    {"v6", "2001:db8::/32", "2001:db8:1::1", true},
    {"v6_outside", "2001:db8::/32", "2001:db9::1", false},
    {"all_of_v6_holds_v4", "::/0", "10.0.0.1", true},
    {"bits_behind", "10.0.0.1/8", "10.0.0.1", {}},
    {"prefix_too_long", "10.0.0.0/33", "10.0.0.1", {}},
    {"no_prefix", "10.0.0.0/", "10.0.0.1", {}},
    {"negative", "10.0.0.0/-1", "10.0.0.1", {}},
    {"name", "proxy.example.org", "10.0.0.1", {}},
};
class NetworkTest : public testing::TestWithParam<NetworkCase> {};
TEST_P(NetworkTest, ContainsOrNot) {
  const auto network = IpNetwork::parse(GetParam().network);
  ASSERT_EQ(network.has_value(), GetParam().want.has_value());
  if (network) EXPECT_EQ(network->contains(*IpAddress::parse(GetParam().address)), *GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, NetworkTest, testing::ValuesIn(kNetworkCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link
