#include "core/config/values.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace s3link::config {
namespace {

struct HostPortCase {
  std::string name, text;
  std::optional<HostPort> want;  // empty: refused
};
const std::vector<HostPortCase> kHostPortCases = {
    {"ipv4", "127.0.0.1:9000", HostPort{"127.0.0.1", 9000}},
    {"name", "localhost:80", HostPort{"localhost", 80}},
    {"ipv6", "[::1]:9000", HostPort{"::1", 9000}},
    {"any_port", "127.0.0.1:0", HostPort{"127.0.0.1", 0}},
    {"no_port", "127.0.0.1", {}},
    {"no_port_after_ipv6", "[::1]", {}},
    {"empty_port", "127.0.0.1:", {}},
    {"no_host", ":9000", {}},
    {"bare_ipv6", "::1:9000", {}},
    {"port_too_large", "127.0.0.1:65536", {}},
    {"negative_port", "127.0.0.1:-1", {}},
    {"text_after_port", "127.0.0.1:80x", {}},
    {"url", "http://127.0.0.1:80", {}},
    {"blank", "local host:80", {}},
};
class HostPortTest : public testing::TestWithParam<HostPortCase> {};
TEST_P(HostPortTest, ParsesOrRefuses) {
  const auto got = parse_host_port(GetParam().text, 0);
  EXPECT_EQ(got ? std::optional(*got) : std::nullopt, GetParam().want);
  if (got) EXPECT_EQ(got->text(), GetParam().text);
}
INSTANTIATE_TEST_SUITE_P(Table, HostPortTest, testing::ValuesIn(kHostPortCases),
                         [](const auto& row) { return row.param.name; });

TEST(HostPort, MinimumPortIsKept) { EXPECT_FALSE(parse_host_port("127.0.0.1:0", 1)); }

struct OriginCase {
  std::string name, text, want;  // want empty: refused
};
const std::vector<OriginCase> kOriginCases = {
    {"https", "https://files.example.org", "https://files.example.org"},
    {"port", "http://files.example.org:8080", "http://files.example.org:8080"},
    {"slash_dropped", "https://files.example.org/", "https://files.example.org"},
    {"ipv6", "http://[::1]:9000", "http://[::1]:9000"},
    {"upper_case", "HTTPS://Files.Example.ORG", "https://files.example.org"},
    {"default_port", "https://files.example.org:443", "https://files.example.org"},
    {"default_port_of_http", "http://files.example.org:80/", "http://files.example.org"},
    {"port_of_the_other_scheme", "http://files.example.org:443", "http://files.example.org:443"},
    {"port_with_a_zero", "https://files.example.org:0443", "https://files.example.org"},
    {"port_with_zeros", "https://files.example.org:08080", "https://files.example.org:8080"},
    {"ipv6_written_out", "http://[0:0:0:0:0:0:0:1]:9000", "http://[::1]:9000"},
    {"ipv6_in_upper_case", "https://[2001:DB8:0::A]", "https://[2001:db8::a]"},
    {"ipv6_that_is_none", "https://[1:2:3]", ""},
    {"ipv6_for_ipv4", "http://[::ffff:192.0.2.1]", ""},
    {"ipv4", "http://192.168.1.10:9000", "http://192.168.1.10:9000"},
    {"ipv4_that_browsers_read_as_octal", "http://192.168.001.010", ""},
    {"ipv4_in_hexadecimal", "http://0x7f.0.0.1", ""},
    {"ipv4_as_one_number", "http://2130706433", ""},
    {"ipv4_cut_short", "http://127.1", ""},
    {"ipv4_too_large", "http://192.168.1.256", ""},
    {"hexadecimal_label", "http://a.0x1", ""},
    {"name_with_numbers", "https://files2.example.org", "https://files2.example.org"},
    {"dot_at_the_end", "https://files.example.org.", ""},
    {"path", "https://files.example.org/s3", ""},
    {"query", "https://files.example.org?x", ""},
    {"query_after_slash", "https://files.example.org/?x", ""},
    {"fragment", "https://files.example.org#x", ""},
    {"user", "https://me@files.example.org", ""},
    {"scheme", "ftp://files.example.org", ""},
    {"no_scheme", "files.example.org", ""},
    {"no_host", "https://", ""},
    {"port_zero", "https://files.example.org:0", ""},
    {"empty_port", "https://files.example.org:", ""},
    {"line_break", "https://files.example.org\n", ""},
};
class OriginTest : public testing::TestWithParam<OriginCase> {};
TEST_P(OriginTest, ParsesOrRefuses) { EXPECT_EQ(parse_http_origin(GetParam().text).value_or(""), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, OriginTest, testing::ValuesIn(kOriginCases),
                         [](const auto& row) { return row.param.name; });

TEST(HttpUrl, PathAndQueryAreKept) {
  EXPECT_EQ(parse_http_url("https://chat.example.org/hooks?t=1").value_or(""), "https://chat.example.org/hooks?t=1");
  EXPECT_FALSE(parse_http_url("https://chat.example.org/a b"));
  EXPECT_FALSE(parse_http_url("https://chat.example.org/#top"));
}

struct SplitCase {
  std::string name, text, scheme, host;
  std::uint16_t port;
  std::string authority, target;
};
const std::vector<SplitCase> kSplitCases = {
    {"https", "https://chat.example.org/h?t=1", "https", "chat.example.org", 443, "chat.example.org", "/h?t=1"},
    {"http", "http://127.0.0.1:8080", "http", "127.0.0.1", 8080, "127.0.0.1:8080", "/"},
    {"ipv6", "http://[::1]/a", "http", "::1", 80, "[::1]", "/a"},
    {"query_without_path", "https://a.example?x", "https", "a.example", 443, "a.example", "/?x"},
};
class SplitTest : public testing::TestWithParam<SplitCase> {};
TEST_P(SplitTest, TakesApart) {
  const auto url = split_http_url(GetParam().text);
  ASSERT_TRUE(url);
  EXPECT_EQ(url->scheme, GetParam().scheme);
  EXPECT_EQ(url->peer, (HostPort{GetParam().host, GetParam().port}));
  EXPECT_EQ(url->authority, GetParam().authority);
  EXPECT_EQ(url->target, GetParam().target);
}
INSTANTIATE_TEST_SUITE_P(Table, SplitTest, testing::ValuesIn(kSplitCases),
                         [](const auto& row) { return row.param.name; });

TEST(Numbers, RangesHold) {
  EXPECT_EQ(parse_whole_number("5", 1, 9).value_or(0), 5u);
  for (const auto* text : {"", "0", "10", "-1", "5.0", "5x", " 5", "0x5"})
    EXPECT_FALSE(parse_whole_number(text, 1, 9)) << text;
  EXPECT_EQ(parse_fraction("0.25").value_or(-1), 0.25);
  for (const auto* text : {"", "-0.1", "1.1", "nan", "inf", "1,0"}) EXPECT_FALSE(parse_fraction(text)) << text;
}

TEST(Names, FormsHold) {
  EXPECT_EQ(parse_domain("S3.Example.org").value_or(""), "s3.example.org");
  for (const auto* text : {"", "127.0.0.1", "a..b", "-a.org", "a b", "s3.example.org:80"})
    EXPECT_FALSE(parse_domain(text)) << text;
  EXPECT_TRUE(parse_region("eu-central-1"));
  for (const auto* text : {"", "EU", "eu/1", "eu 1"}) EXPECT_FALSE(parse_region(text)) << text;
  EXPECT_TRUE(parse_access_key_id("AKIDEXAMPLE"));
  for (const auto* text : {"", "ab", "a/b/c", "a b c"}) EXPECT_FALSE(parse_access_key_id(text)) << text;
  EXPECT_TRUE(parse_line("Grüße", 10));
  for (const auto* text : {"a\nb", "a\rb", "\xff", "more than ten"}) EXPECT_FALSE(parse_line(text, 10)) << text;
}

}  // namespace
}  // namespace s3link::config
