#include "core/base/forwarded.hpp"

#include <gtest/gtest.h>

namespace s3link {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

struct ClientCase {
  std::string name, peer;
  Fields fields;
  std::string want;
};
// Trusted: 10.0.0.0/8, 127.0.0.1 and 2001:db8:1::/48.
const std::vector<ClientCase> kClientCases = {
    {"no_field", "10.0.0.1", {}, "10.0.0.1"},
    {"untrusted_peer_says_nothing", "203.0.113.9", {{"X-Forwarded-For", "198.51.100.1"}}, "203.0.113.9"},
    {"one_hop", "10.0.0.1", {{"X-Forwarded-For", "198.51.100.1"}}, "198.51.100.1"},
    {"any_case", "10.0.0.1", {{"x-forwarded-for", "198.51.100.1"}}, "198.51.100.1"},
    {"last_untrusted_counts", "10.0.0.1", {{"X-Forwarded-For", "192.0.2.66, 198.51.100.1, 10.0.0.2"}}, "198.51.100.1"},
    {"all_trusted", "127.0.0.1", {{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}, "10.0.0.3"},
    {"several_fields",
     "10.0.0.1",
     {{"X-Forwarded-For", "192.0.2.66"}, {"X-Forwarded-For", "198.51.100.1"}},
     "198.51.100.1"},
    {"port", "10.0.0.1", {{"X-Forwarded-For", "198.51.100.1:4711"}}, "198.51.100.1"},
    {"v6", "10.0.0.1", {{"X-Forwarded-For", "2001:DB8::1"}}, "2001:db8::1"},
    {"v6_with_port", "10.0.0.1", {{"X-Forwarded-For", "[2001:db8::1]:80"}}, "2001:db8::1"},
    {"v6_proxy", "2001:db8:1::5", {{"X-Forwarded-For", "198.51.100.1"}}, "198.51.100.1"},
    {"mapped_proxy", "::ffff:10.0.0.1", {{"X-Forwarded-For", "198.51.100.1"}}, "198.51.100.1"},
    {"unknown", "10.0.0.1", {{"X-Forwarded-For", "unknown"}}, "10.0.0.1"},
    {"unknown_behind_a_proxy", "10.0.0.1", {{"X-Forwarded-For", "192.0.2.1, unknown, 10.0.0.2"}}, "10.0.0.2"},
    {"empty", "10.0.0.1", {{"X-Forwarded-For", ""}}, "10.0.0.1"},
    {"script", "10.0.0.1", {{"X-Forwarded-For", "<script>"}}, "10.0.0.1"},
    {"standard", "10.0.0.1", {{"Forwarded", "for=198.51.100.1;proto=https;by=10.0.0.1"}}, "198.51.100.1"},
    {"standard_quoted", "10.0.0.1", {{"Forwarded", R"(For="[2001:db8:cafe::17]:4711")"}}, "2001:db8:cafe::17"},
    {"standard_list", "10.0.0.1", {{"Forwarded", "for=192.0.2.66, for=198.51.100.1, for=10.0.0.2"}}, "198.51.100.1"},
    {"standard_escaped", "10.0.0.1", {{"Forwarded", R"(for="198.51.100\.1")"}}, "198.51.100.1"},
    {"standard_hidden", "10.0.0.1", {{"Forwarded", "for=_hidden"}}, "10.0.0.1"},
    {"standard_without_for", "10.0.0.1", {{"Forwarded", "for=192.0.2.1, proto=http"}}, "10.0.0.1"},
    {"standard_malformed", "10.0.0.1", {{"Forwarded", "for=\"198.51.100.1"}}, "10.0.0.1"},
    {"both_agree",
     "10.0.0.1",
     {{"Forwarded", "for=198.51.100.1"}, {"X-Forwarded-For", "192.0.2.66, 198.51.100.1"}},
     "198.51.100.1"},
    {"both_differ", "10.0.0.1", {{"Forwarded", "for=192.0.2.66"}, {"X-Forwarded-For", "198.51.100.1"}}, "10.0.0.1"},
    {"peer_without_an_address", "", {{"X-Forwarded-For", "198.51.100.1"}}, ""},
};
class ClientAddressTest : public testing::TestWithParam<ClientCase> {};
TEST_P(ClientAddressTest, IsTheLastThatNoProxyOfOursHas) {
  const std::vector<IpNetwork> trusted = {*IpNetwork::parse("10.0.0.0/8"), *IpNetwork::parse("127.0.0.1"),
                                          *IpNetwork::parse("2001:db8:1::/48")};
  EXPECT_EQ(client_address(GetParam().peer, GetParam().fields, trusted), GetParam().want);
  EXPECT_EQ(client_address(GetParam().peer, GetParam().fields, {}), GetParam().peer) << "nobody is trusted";
}
INSTANTIATE_TEST_SUITE_P(Table, ClientAddressTest, testing::ValuesIn(kClientCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link
