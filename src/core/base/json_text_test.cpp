#include "core/base/json_text.hpp"

#include <gtest/gtest.h>

namespace s3link {
namespace {

struct JsonCase {
  std::string name, text, want;
};
const std::vector<JsonCase> kJsonCases = {
    {"plain", "a b/c", R"("a b/c")"},
    {"empty", "", R"("")"},
    {"quote_and_backslash", R"(a"b\c)", R"("a\"b\\c")"},
    {"line_ends_and_tab", "a\nb\rc\td", R"("a\nb\rc\td")"},
    {"controls", std::string("\0\x1b[2J\x7f", 6), R"("\u0000\u001b[2J\u007f")"},
    {"c1_controls",
     "\xC2\x9B"
     "1m",
     R"("\u009b1m")"},
    {"utf8", "\xC2\xA0\xE6\xBC\xA2\xF0\x9F\x98\x80", "\"\xC2\xA0\xE6\xBC\xA2\xF0\x9F\x98\x80\""},
    {"broken_bytes", "a\xFF\xC3", "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"cut_sequence", "\xE6\xBC", "\"\xEF\xBF\xBD\xEF\xBF\xBD\""},
    {"surrogate", "\xED\xA0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
};
class JsonStringTest : public testing::TestWithParam<JsonCase> {};
TEST_P(JsonStringTest, IsAlwaysValid) { EXPECT_EQ(json_string(GetParam().text), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, JsonStringTest, testing::ValuesIn(kJsonCases),
                         [](const auto& row) { return row.param.name; });

TEST(JsonString, IsCutBetweenCharacters) {
  EXPECT_EQ(json_string("\xE6\xBC\xA2\xE5\xAD\x97"
                        "abc",
                        3),
            "\"\xE6\xBC\xA2\xE5\xAD\x97"
            "a\"");
  EXPECT_EQ(json_string("\"\"\"", 2), R"("\"\"")");
  EXPECT_EQ(json_string("\xFF\xFF\xFF", 1), "\"\xEF\xBF\xBD\"");
  EXPECT_EQ(json_string("abc", 0), R"("")");
  EXPECT_EQ(json_string("abc", 2), R"("ab")");
  EXPECT_EQ(json_string("ab\"cd", 2), R"("ab")");
  EXPECT_EQ(json_string("ab\"cd", 3), R"("ab\"")");
  EXPECT_EQ(json_string("ab\"cd", 4), R"("ab\"c")");
}

TEST(JsonObjectTest, WritesMembersInOrder) {
  std::string out = "[";
  {
    JsonObject outer(out);
    outer.text("a\"b", "1\n2");
    outer.literal("n", "3.5");
    JsonObject inner(outer.member("inner"));
    inner.text("cut", "abc", 2);
  }
  EXPECT_EQ(out, R"([{"a\"b":"1\n2","n":3.5,"inner":{"cut":"ab"}})");
  {
    const JsonObject empty(out = "");
  }
  EXPECT_EQ(out, "{}");
}

}  // namespace
}  // namespace s3link
