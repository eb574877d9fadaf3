#include "core/mail/encoded_word.hpp"

#include <gtest/gtest.h>

#include "core/base/encoding.hpp"

namespace s3link::mail {
namespace {

/// Decodes lines of base64 encoded words, checking every rule on the way.
std::string decoded(std::string_view value, std::size_t column) {
  std::string out;
  bool first = true;
  while (!value.empty()) {
    const auto end = value.find("\r\n");
    std::string_view line = value.substr(0, end);
    value.remove_prefix(end == std::string_view::npos ? value.size() : end + 2);
    EXPECT_LE(line.size() + (first ? column : 0), 76U) << line;
    if (!first) {
      EXPECT_TRUE(line.starts_with(" ")) << line;
      line.remove_prefix(1);
    }
    first = false;
    if (line.empty()) continue;  // a fold before the first word
    EXPECT_LE(line.size(), 75U);
    EXPECT_TRUE(line.starts_with("=?utf-8?B?") && line.ends_with("?=")) << line;
    const auto word = base64_decode(line.substr(10, line.size() - 12));
    EXPECT_TRUE(word && is_utf8(*word)) << "cut inside a character: " << line;
    out += word.value_or("");
  }
  return out;
}

TEST(EncodeUnstructured, LeavesShortAsciiAsItIs) {
  EXPECT_EQ(encode_unstructured("You sent \"a.pdf\"", 9), "You sent \"a.pdf\"");
  EXPECT_EQ(encode_unstructured(std::string(67, 'a'), 9), std::string(67, 'a'));
}

TEST(EncodeUnstructured, EncodesWhatIsNotAsciiOrTooLongOrLooksEncoded) {
  std::string mixed;
  for (int i = 0; i < 60; ++i) mixed += i % 3 == 0 ? "报" : i % 3 == 1 ? "📎" : "ä b";
  for (const std::string& text : {std::string("ä"), std::string(71, 'a'), std::string("=?utf-8?B?eA==?="),
                                  std::string(500, 'x'), mixed, std::string("两个  空格")}) {
    for (const std::size_t column : {6U, 9U, 60U, 74U}) {
      const std::string got = encode_unstructured(text, column);
      EXPECT_EQ(decoded(got, column), text) << got;
    }
  }
}

TEST(EncodeDisplayName, QuotesWhatNeedsIt) {
  EXPECT_EQ(encode_display_name("s3link", 6), "s3link");
  EXPECT_EQ(encode_display_name("File Exchange", 6), "File Exchange");
  EXPECT_EQ(encode_display_name("Müller, Inc.", 6), "=?utf-8?B?TcO8bGxlciwgSW5jLg==?=");
  EXPECT_EQ(encode_display_name("Smith, John \"JS\" \\ <x@y>", 6), "\"Smith, John \\\"JS\\\" \\\\ <x@y>\"");
  EXPECT_EQ(decoded(encode_display_name(std::string(100, 'n'), 6), 6), std::string(100, 'n'));
}

}  // namespace
}  // namespace s3link::mail
