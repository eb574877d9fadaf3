#include "adapters/http_server/request_head.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace s3link::http_server {
namespace {

using namespace std::string_literals;

struct Case {
  std::string name, head;
  unsigned status = 0;  // 0: taken
};
const std::vector<Case> kCases = {
    {"plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"host_with_port", "GET / HTTP/1.1\r\nHost: [::1]:9000\r\n\r\n"},
    {"old_version_without_host", "GET / HTTP/1.0\r\n\r\n"},
    {"empty_value", "GET / HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n"},
    {"utf8_value", "GET / HTTP/1.1\r\nHost: a\r\nX: \xE6\x8A\xA5\r\n\r\n"},
    {"length", "PUT /b/k HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"},
    {"chunked", "PUT /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"},
    {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"unknown_method", "BREW /b HTTP/1.1\r\nHost: a\r\n\r\n"},
    {"empty_expect", "PUT /b/k HTTP/1.1\r\nHost: a\r\nExpect:\r\nContent-Length: 5\r\n\r\n"},
    {"expect_in_other_case", "PUT /b/k HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"},

    {"both_lengths", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"both_lengths_turned", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
     400},
    {"two_lengths", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
    {"two_equal_lengths", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
    {"list_of_lengths", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", 400},
    {"signed_length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", 400},
    {"negative_length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", 400},
    {"hexadecimal_length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", 400},
    {"length_with_blank", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1 2\r\n\r\n", 400},
    {"empty_length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", 400},
    {"huge_length", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400},
    {"gzip_transfer", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
    {"gzip_then_chunked", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"chunked_twice", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     400},
    {"chunked_hidden",
     "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b"
     "chunked\r\n\r\n",
     400},
    {"chunked_misspelt", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", 501},
    {"identity", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n", 501},
    {"chunked_in_1_0", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"blank_before_colon", "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", 400},
    {"blank_in_name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: 1\r\n\r\n", 400},
    {"empty_name", "GET / HTTP/1.1\r\nHost: a\r\n: 1\r\n\r\n", 400},
    {"no_colon", "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n", 400},
    {"folded", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400},
    {"folded_by_tab", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n\r\n", 400},
    {"blank_before_first_field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"bare_cr", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r2\r\n\r\n", 400},
    {"nul", "GET / HTTP/1.1\r\nHost: a\r\nX: 1\0002\r\n\r\n"s, 400},
    {"escape", "GET / HTTP/1.1\r\nHost: a\r\nX: \x1b[2J\r\n\r\n", 400},
    {"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two_hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"host_with_path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"host_with_user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
    {"version_2", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
    {"version_1_2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 505},
    {"no_version", "GET /\r\nHost: a\r\n\r\n", 400},
    {"lower_case_version", "GET / http/1.1\r\nHost: a\r\n\r\n", 400},
    {"two_blanks", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"blank_in_target", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"bad_method", "GE(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"no_target", "GET HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"tls_hello", "\x16\x03\x01\x02\r\n\r\n", 400},
    {"target_without_slash", "GET b/k HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"authority_target", "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400},
    {"url_of_another_host", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"url_of_another_scheme", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", 400},
    {"other_expectation", "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\nContent-Length: 5\r\n\r\n", 417},
};
class ParseHeadTest : public testing::TestWithParam<Case> {};
TEST_P(ParseHeadTest, TakesOrRefuses) {
  const auto got = parse_head(GetParam().head);
  EXPECT_EQ(got ? 0 : got.error().status, GetParam().status) << (got ? "" : got.error().message);
}
INSTANTIATE_TEST_SUITE_P(Table, ParseHeadTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return row.param.name; });

TEST(ParseHead, KeepsWhatCame) {
  const auto got = parse_head("PUT /b/a%20b?x=%2F HTTP/1.1\r\nHost: h\r\nX-Amz-Meta-A:  v  w \r\nx: 1\r\nx: 2\r\n\r\n");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->head.method, "PUT");
  EXPECT_EQ(got->head.target, "/b/a%20b?x=%2F");
  EXPECT_EQ(got->head.fields, (ports::HttpFields{{"Host", "h"}, {"X-Amz-Meta-A", "v  w"}, {"x", "1"}, {"x", "2"}}));
}

TEST(ParseHead, AUrlOfThisHostBecomesAPath) {
  EXPECT_EQ(parse_head("GET http://A:80/b/k?x HTTP/1.1\r\nHost: a:80\r\n\r\n")->head.target, "/b/k?x");
  EXPECT_EQ(parse_head("GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n")->head.target, "/?x");
  EXPECT_EQ(parse_head("GET http://a HTTP/1.1\r\nHost: a\r\n\r\n")->head.target, "/");
}

Framing framing_of(const std::string& fields, const std::string& version = "1.1") {
  const auto got = parse_head("PUT / HTTP/" + version + "\r\nHost: a\r\n" + fields + "\r\n");
  EXPECT_TRUE(got) << fields;
  return got ? got->framing : Framing{};
}

TEST(Framing, LengthAndChunks) {
  EXPECT_EQ(framing_of("Content-Length: 18446744073709551615\r\n").content_length, 18446744073709551615U);
  EXPECT_FALSE(framing_of("Content-Length: 5\r\n").chunked);
  EXPECT_TRUE(framing_of("Transfer-Encoding: chunked\r\n").chunked);
  EXPECT_EQ(framing_of("").content_length, 0U);
}

TEST(Framing, TheConnectionLivesOnUnlessEitherSideSaysNo) {
  EXPECT_TRUE(framing_of("").keep_alive);
  EXPECT_FALSE(framing_of("Connection: TE, Close\r\n").keep_alive);
  EXPECT_TRUE(framing_of("Connection: keep-alive\r\n").keep_alive);
  EXPECT_FALSE(framing_of("Connection: keep-alive\r\n", "1.0").keep_alive);
}

TEST(Framing, ContinueIsExpectedOnlyForABody) {
  EXPECT_TRUE(framing_of("Expect: 100-continue\r\nContent-Length: 1\r\n").expects_continue);
  EXPECT_TRUE(framing_of("Expect: 100-CONTINUE\r\nTransfer-Encoding: chunked\r\n").expects_continue);
  EXPECT_TRUE(framing_of("Expect: 100-continue\r\nContent-Length: 0\r\n").expects_continue);
  EXPECT_FALSE(framing_of("Expect: 100-continue\r\n").expects_continue);
  EXPECT_FALSE(framing_of("Expect: 100-continue\r\nContent-Length: 1\r\n", "1.0").expects_continue);
}

TEST(HeadScanner, FindsTheEndHoweverItIsSplit) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t split = 0; split <= head.size(); ++split) {
    HeadScanner scanner;
    const auto first = scanner.scan(std::string_view(head).substr(0, split));
    if (split < head.size()) EXPECT_EQ(first, HeadScanner::State::incomplete);
    if (split < head.size()) EXPECT_EQ(scanner.scan(head + "next"), HeadScanner::State::complete);
    EXPECT_EQ(scanner.size(), head.size());
  }
}

TEST(HeadScanner, BareLineFeedsAreMalformed) {
  for (const std::string head : {"GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
                                 "GET / HTTP/1.1\r\nHost: a\r\n\n", "\n"}) {
    EXPECT_EQ(HeadScanner().scan(head), HeadScanner::State::malformed) << head;
  }
}

}  // namespace
}  // namespace s3link::http_server
