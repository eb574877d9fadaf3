#include "core/mail/quoted_printable.hpp"

#include <gtest/gtest.h>

#include "core/base/encoding.hpp"

namespace s3link::mail {
namespace {

std::string encoded(std::string_view text) {
  std::string out;
  append_quoted_printable(text, out);
  return out;
}

/// Undoes the encoding as RFC 2045 says, checking line lengths.
std::string decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    EXPECT_NE(end, std::string_view::npos);
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 2);
    EXPECT_LE(line.size(), 76U) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
    const bool soft = line.ends_with('=');
    if (soft) line.remove_suffix(1);
    for (std::size_t i = 0; i < line.size(); ++i) {
      EXPECT_TRUE(line[i] >= ' ' && line[i] <= '~') << line;
      if (line[i] != '=') {
        out += line[i];
      } else if (const auto byte = hex_decode(line.substr(i + 1, 2))) {
        out += *byte;
        i += 2;
      } else {
        ADD_FAILURE() << line;
      }
    }
    if (!soft) out += '\n';
  }
  return out;
}

struct Case {
  std::string name, text, want;
};
const std::vector<Case> kCases = {
    {"nothing", "", ""},
    {"plain", "abc\n", "abc\r\n"},
    {"ends_without_line_end", "abc", "abc\r\n"},
    {"empty_lines", "\n\na\n", "\r\n\r\na\r\n"},
    {"crlf_stays_one", "a\r\nb\n", "a\r\nb\r\n"},
    {"bare_cr", "a\rb\n", "a=0Db\r\n"},
    {"equals", "a=b\n", "a=3Db\r\n"},
    {"blank_at_the_end", "a \nb\t\n", "a=20\r\nb=09\r\n"},
    {"utf8", "ä\n", "=C3=A4\r\n"},
    {"dot_alone", ".\n..a\n", "=2E\r\n=2E.a\r\n"},
    {"from_line", "From here\nFrom\n", "=46rom here\r\nFrom\r\n"},
    {"exactly_76", std::string(76, 'a') + "\n", std::string(76, 'a') + "\r\n"},
    {"77", std::string(77, 'a') + "\n", std::string(75, 'a') + "=\r\naa\r\n"},
    {"escape_at_the_end_does_not_fit", std::string(74, 'a') + "=\n", std::string(74, 'a') + "=\r\n=3D\r\n"},
    {"escape_at_the_end_fits", std::string(73, 'a') + "=\n", std::string(73, 'a') + "=3D\r\n"},
};
class QuotedPrintableTest : public testing::TestWithParam<Case> {};
TEST_P(QuotedPrintableTest, Encodes) { EXPECT_EQ(encoded(GetParam().text), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, QuotedPrintableTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return row.param.name; });

TEST(QuotedPrintable, IsUndoneByDecoding) {
  std::string text;
  std::uint32_t state = 7;
  for (int i = 0; i < 20'000; ++i) {
    state = state * 1'664'525U + 1'013'904'223U;
    const auto c = static_cast<char>(state >> 24U);
    text += c == '\n' && text.ends_with('\r') ? 'x' : c;
  }
  text += "\n";
  EXPECT_EQ(decoded(encoded(text)), text);
}

}  // namespace
}  // namespace s3link::mail
