#include "core/sigv4/canonical_request.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace s3link::sigv4 {
namespace {

using testing::ElementsAre;
using testing::Pair;

struct TargetCase {
  std::string name, target, path, query;  // as they stand in the canonical request
};
const std::vector<TargetCase> kTargets = {
    {"root", "/", "/", ""},
    {"plain", "/bucket/key.txt", "/bucket/key.txt", ""},
    {"encoded_once", "/b/a%20b%2Bc", "/b/a%20b%2Bc", ""},
    {"plus_in_path_is_a_plus", "/b/a+b", "/b/a%2Bb", ""},
    {"lower_case_escapes", "/b/%e6%bc%a2", "/b/%E6%BC%A2", ""},
    {"raw_utf8", "/b/\xE6\xBC\xA2", "/b/%E6%BC%A2", ""},
    {"double_encoded_stays_so", "/b/%2520", "/b/%2520", ""},
    {"not_normalized", "/b/./a/..//c/", "/b/./a/..//c/", ""},
    {"needless_escapes", "/b/%61%7E~", "/b/a~~", ""},
    {"reserved", "/b/!$&'()*,;=:@", "/b/%21%24%26%27%28%29%2A%2C%3B%3D%3A%40", ""},
    {"sorted", "/?b=2&a=1", "/", "a=1&b=2"},
    {"sorted_by_value_too", "/?a=2&a=1", "/", "a=1&a=2"},
    {"no_value", "/?uploads", "/", "uploads="},
    {"empty_parameters", "/?&a=1&&", "/", "a=1"},
    {"no_query", "/?", "/", ""},
    {"plus_in_query_is_a_space", "/?prefix=a+b%2B", "/", "prefix=a%20b%2B"},
    {"equals_in_value", "/?a=b=c", "/", "a=b%3Dc"},
    {"slash_in_query", "/?prefix=a/b", "/", "prefix=a%2Fb"},
    {"sorted_after_encoding", "/?a~=1&a%C3%A9=2&aa=3", "/", "a%C3%A9=2&aa=3&a~=1"},
    {"question_mark_in_query", "/?a=?", "/", "a=%3F"},
};
class CanonicalTarget : public testing::TestWithParam<TargetCase> {};
TEST_P(CanonicalTarget, PathAndQuery) {
  const auto target = parse_target(GetParam().target);
  ASSERT_TRUE(target);
  EXPECT_EQ(canonical_path(target->path), GetParam().path);
  EXPECT_EQ(canonical_query(target->query), GetParam().query);
}
INSTANTIATE_TEST_SUITE_P(Table, CanonicalTarget, testing::ValuesIn(kTargets),
                         [](const auto& row) { return row.param.name; });

TEST(CanonicalQuery, DoesNotDependOnTheOrder) {
  // Sorted as written, "a-" would stand before "a"; sorted before encoding, "a\xC3" behind "ab".
  const std::vector<FieldView> sorted = {{"", ""},      {"a", ""},   {"a", "1"},     {"a", "="},
                                         {"a", "\xC3"}, {"a&", "&"}, {"a\xC3", "2"}, {"a-", "0"}};
  const std::string want = canonical_query(sorted);
  std::vector<FieldView> shuffled = sorted;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    std::ranges::rotate(shuffled, shuffled.begin() + 1);
    EXPECT_EQ(canonical_query(shuffled), want) << i;
  }
  std::ranges::reverse(shuffled);
  EXPECT_EQ(canonical_query(Fields(shuffled.begin(), shuffled.end())), want);
  EXPECT_EQ(want, "=&a=&a=%3D&a=%C3&a=1&a%26=%26&a%C3=2&a-=0");
}

TEST(ParseTarget, DecodesInTheOrderSent) {
  const auto target = parse_target("/b/%20?b=%26&a=%3D");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/b/ ");
  EXPECT_THAT(target->query, ElementsAre(Pair("b", "&"), Pair("a", "=")));
}

TEST(ParseTarget, RefusesBrokenEscapesAndOtherForms) {
  for (const char* bad : {"", "*", "b/key", "http://h/b", "/%", "/%4", "/%zz", "/?a=%", "/?%4=1"}) {
    const auto target = parse_target(bad);
    ASSERT_FALSE(target) << bad;
    EXPECT_EQ(target.error().code, "InvalidURI");
  }
}

TEST(CanonicalPath, OtherServicesEncodeTwice) {
  EXPECT_EQ(canonical_path("/v2/email/identities/a@b.example", PathEncoding::twice),
            "/v2/email/identities/a%2540b.example");
}

TEST(CanonicalValue, BlanksAreTrimmedAndCollapsed) {
  EXPECT_EQ(canonical_value("  a  b\t \tc "), "a b c");
  EXPECT_EQ(canonical_value("\"a   b\""), "\"a b\"");
  EXPECT_EQ(canonical_value(" \t "), "");
  EXPECT_EQ(canonical_value("plain"), "plain");
}

TEST(CanonicalRequest, JoinsFieldsOfOneNameAndKeepsTheOrderOfNames) {
  const Fields fields = {{"X-Amz-Meta-B", " 2 "}, {"Host", "h"}, {"x-amz-meta-b", "1"}, {"User-Agent", "curl"}};
  const SignedHeaders names = {"host", "x-amz-absent", "x-amz-meta-b"};
  EXPECT_EQ(canonical_request({.method = "GET",
                               .path = "/k",
                               .query = "a=",
                               .fields = in_signed_order(fields),
                               .signed_headers = names,
                               .payload_hash = "UNSIGNED-PAYLOAD"}),
            "GET\n/k\na=\nhost:h\nx-amz-absent:\nx-amz-meta-b:2,1\n\nhost;x-amz-absent;x-amz-meta-b\nUNSIGNED-PAYLOAD");
}

struct WalkCase {
  std::string name;
  std::vector<std::string> names, fields;
  std::string want;  // "+" and a name with the number of its fields, "-" and a field without a name
};
const std::vector<WalkCase> kWalkCases = {
    {"nothing", {}, {}, ""},
    {"all", {"a", "b"}, {"A", "b"}, "+a1+b1"},
    {"none_signed", {}, {"b", "a"}, "-a-b"},
    {"none_sent", {"a", "b"}, {}, "+a0+b0"},
    {"repeated", {"b"}, {"b", "a", "B", "c", "b"}, "-a+b3-c"},
    {"between", {"b", "d"}, {"a", "c", "e"}, "-a+b0-c+d0-e"},
};
class MatchNames : public testing::TestWithParam<WalkCase> {};
TEST_P(MatchNames, FindsEachOnce) {
  Fields fields;
  for (const std::string& name : GetParam().fields) fields.emplace_back(name, "");
  std::string got;
  match_names(
      GetParam().names, in_signed_order(fields), compare_names,
      [&](const std::string& name, std::span<const OrderedField> found) {
        got += "+" + name + std::to_string(found.size());
      },
      [&](const OrderedField& field) { got += "-" + field.name; });
  EXPECT_EQ(got, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, MatchNames, testing::ValuesIn(kWalkCases),
                         [](const auto& row) { return row.param.name; });

/// 26 requests a second with 3,900 names each once stopped the server: the work was the product of names and fields.
TEST(MatchNamesWork, GrowsWithTheHeadAndNotWithItsSquare) {
  constexpr std::size_t kMany = 256;
  for (const std::string_view kind : {"same", "other", "one name"}) {
    SignedHeaders names;
    Fields fields;
    for (std::size_t i = 0; i < kMany; ++i) {
      names.push_back("n" + std::to_string(10'000 + i));
      fields.emplace_back(kind == "same" ? names.back() : kind == "other" ? "m" + names.back() : "n10000", "");
    }
    std::size_t comparisons = 0;
    match_names(
        names, in_signed_order(fields),
        [&](std::string_view a, std::string_view b) {
          ++comparisons;
          return compare_names(a, b);
        },
        [](const std::string&, std::span<const OrderedField>) {}, [](const OrderedField&) {});
    EXPECT_LE(comparisons, 2 * kMany) << kind;
  }
}

}  // namespace
}  // namespace s3link::sigv4
