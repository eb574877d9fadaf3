#include "core/mail/visible_text.hpp"

#include <gtest/gtest.h>

#include "core/base/encoding.hpp"

namespace s3link::mail {
namespace {

std::string repeated(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

struct TextCase {
  std::string name, text, want;
};
const std::vector<TextCase> kVisibleCases = {
    {"plain", "Q3 report.pdf", "Q3 report.pdf"},
    {"empty", "", ""},
    {"header_injection", "a\r\nBcc: x@y.example", "a Bcc: x@y.example"},
    {"bare_cr_lf_tab", "a\rb\nc\td", "a b c d"},
    {"controls", std::string("a\0b\x01\x1b[31m\x7f", 10), "ab[31m"},
    {"c1_controls",
     "a\xC2\x80\xC2\x9F"
     "b",
     "ab"},
    {"next_line",
     "a\xC2\x85"
     "b",
     "a b"},
    {"right_to_left_override", "invoice\u202Efdp.exe", "invoicefdp.exe"},
    {"isolates", "\u2066a\u2069\u200E\u200F\u061C", "a"},
    {"zero_width", "a\u200Bb\uFEFFc\u2060d\u00ADe", "abcde"},
    {"line_separator", "a\u2028b\u2029c", "a b c"},
    {"joiners_stay", "👩\u200D💻 می\u200Cخواهم", "👩\u200D💻 می\u200Cخواهم"},
    {"arabic_stays", "تقرير.pdf", "تقرير.pdf"},
    {"not_utf8", "a\xFF\xC3(", "a\uFFFD\uFFFD("},
    {"cut_character", "a\xE6\x8A", "a\uFFFD\uFFFD"},
    {"surrogate", "\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
    {"blanks_at_the_ends", " a b \n", "a b"},
};
class VisibleTextTest : public testing::TestWithParam<TextCase> {};
TEST_P(VisibleTextTest, ShowsWhatItIs) {
  EXPECT_EQ(visible_text(GetParam().text), GetParam().want);
  EXPECT_EQ(visible_text(GetParam().want), GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, VisibleTextTest, testing::ValuesIn(kVisibleCases),
                         [](const auto& row) { return row.param.name; });

const std::vector<TextCase> kFileNameCases = {
    {"last_segment", "a/b/Q3 report.pdf", "Q3 report.pdf"},
    {"no_folder", "x", "x"},
    {"slash_at_the_end", "a/b/", "b"},
    {"slashes_only", "//", "file"},
    {"invisible_only", "a/\u202E\x01", "file"},
    {"line_break", "a\nb.pdf", "a b.pdf"},
    {"longest", std::string(116, 'a') + ".pdf", std::string(116, 'a') + ".pdf"},
    {"too_long", std::string(117, 'a') + ".pdf", std::string(115, 'a') + "….pdf"},
    {"too_long_without_extension", std::string(200, 'a'), std::string(119, 'a') + "…"},
    {"too_long_extension_is_none", "a." + std::string(200, 'b'), "a." + std::string(117, 'b') + "…"},
    {"characters_not_bytes", repeated("报", 116) + ".pdf", repeated("报", 116) + ".pdf"},
    {"cut_between_characters", repeated("报", 200) + ".pdf", repeated("报", 115) + "….pdf"},
    {"not_inside_an_emoji_sequence", std::string(114, 'a') + "👩\u200D💻" + std::string(10, 'b'),
     std::string(114, 'a') + "👩\u200D💻" + "bb…"},
    {"emoji_sequence_dropped_whole", std::string(117, 'a') + "👩\u200D💻" + std::string(10, 'b'),
     std::string(117, 'a') + "…"},
    {"combining_marks_stay_with_theirs", std::string(118, 'a') + "e\u0301" + std::string(9, 'b'),
     std::string(118, 'a') + "…"},
};
class DisplayFileNameTest : public testing::TestWithParam<TextCase> {};
TEST_P(DisplayFileNameTest, IsShortAndKeepsTheExtension) {
  const std::string got = display_file_name(GetParam().text);
  EXPECT_EQ(got, GetParam().want);
  EXPECT_TRUE(is_utf8(got));
}
INSTANTIATE_TEST_SUITE_P(Table, DisplayFileNameTest, testing::ValuesIn(kFileNameCases),
                         [](const auto& row) { return row.param.name; });

TEST(IsInvisible, IsWhatVisibleTextDoesNotShow) {
  for (const char* const character : {"\n", "\u0085", "\u00AD", "\u061C", "\u200B", "\u200E", "\u202E", "\u2028",
                                      "\u2066", "\u2069", "\uFEFF", "\U000E0001"}) {
    EXPECT_TRUE(is_invisible(character)) << visible_text(character);
    EXPECT_EQ(visible_text(character), "");
  }
  for (const char* const character : {"a", " ", "é", "文", "\u200D", "\u200C", "😀"}) {
    EXPECT_FALSE(is_invisible(character)) << character;
  }
}

}  // namespace
}  // namespace s3link::mail
