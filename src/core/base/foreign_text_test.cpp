#include "core/base/foreign_text.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "core/base/encoding.hpp"

namespace s3link {
namespace {

const std::string kSignature = "5a1d8e0b6c2f4a7390d1e2f3a4b5c6d7e8f9000102030405060708090a0b0c0d";
const std::string kLink =
    "http://files.example.org:9000/file-exchange/photo%20one.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256"
    "&X-Amz-Credential=AKIDEXAMPLE%2F20261128%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261128T160000Z"
    "&X-Amz-Expires=18000&X-Amz-SignedHeaders=host&X-Amz-Signature=" +
    kSignature;

std::string upper(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}
/// As quoted-printable writes it, broken every `width` characters.
std::string quoted_printable(std::string_view text, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  for (const char c : text) {
    const std::string piece = c == '=' ? "=3D" : std::string(1, c);
    if (column + piece.size() > width) {
      out += "=\r\n";
      column = 0;
    }
    out += piece;
    column += piece.size();
  }
  return out;
}
std::string wrapped(std::string_view text, std::size_t width, const std::string& by) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); at += width) {
    if (at > 0) out += by;
    out += text.substr(at, width);
  }
  return out;
}
std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

struct LinkCase {
  std::string name, text;
};
const std::vector<LinkCase> kLinkCases = {
    {"plain", kLink},
    {"upper_case", upper(kLink)},
    {"lower_case", to_lower(kLink)},
    {"encoded", uri_encode(kLink)},
    {"encoded_twice", uri_encode(uri_encode(kLink))},
    {"encoded_in_a_query", "https://scan.example/?u=" + uri_encode(kLink)},
    {"question_mark_encoded", replaced(kLink, "?", "%3F")},
    {"separators_encoded", replaced(replaced(kLink, "&", "%26"), "=", "%3D")},
    {"html", replaced(kLink, "&", "&amp;")},
    {"json", replaced(replaced(kLink, "&", "\\u0026"), "/", "\\/")},
    {"quoted_printable", quoted_printable(kLink, 73)},
    {"quoted_printable_narrow", quoted_printable(kLink, 20)},
    {"wrapped", wrapped(kLink, 70, "\r\n")},
    {"wrapped_and_indented", wrapped(kLink, 50, "\r\n\t")},
    {"wrapped_by_blanks", wrapped(kLink, 64, " ")},
    {"without_scheme", kLink.substr(7)},
    {"query_alone", kLink.substr(kLink.find('?'))},
    {"signature_alone", "X-Amz-Signature=" + kSignature},
    {"signature_named_by_colon", "x-amz-signature: " + kSignature},
    {"in_brackets", "<" + kLink + ">"},
    {"letters_encoded", replaced(kLink, "X-Amz", "%58%2DAmz")},
};
class LinkInForeignTextTest : public testing::TestWithParam<LinkCase> {};
TEST_P(LinkInForeignTextTest, IsCutOut) {
  const std::string got = cut_credentials("550 5.7.1 URL blocked: " + GetParam().text);
  std::string bare = to_lower(got);
  std::erase_if(bare, [](char c) { return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')); });
  EXPECT_TRUE(got.starts_with("550 5.7.1 URL blocked: ")) << got;
  EXPECT_TRUE(got.contains("(removed)")) << got;
  for (std::size_t at = 0; at + 8 <= kSignature.size(); at += 8) {
    EXPECT_FALSE(bare.contains(kSignature.substr(at, 8))) << got;
  }
  EXPECT_FALSE(bare.contains("akidexample")) << got;
}
INSTANTIATE_TEST_SUITE_P(Table, LinkInForeignTextTest, testing::ValuesIn(kLinkCases),
                         [](const auto& row) { return row.param.name; });

struct TextCase {
  std::string name, text, want;
};
const std::vector<TextCase> kTextCases = {
    {"nothing", "", ""},
    {"a_usual_reply", "550 5.1.1 <you@example.net>: user unknown", "550 5.1.1 <you@example.net>: user unknown"},
    {"a_helpful_address", "421 4.7.0 see https://support.example.com/mail/answer/81126?hl=en",
     "421 4.7.0 see https://support.example.com/mail/answer/81126?hl=en"},
    {"text_goes_on", "550 blocked: http://h/b/k?X-Amz-Signature=00ff \"sorry\"", "550 blocked: (removed) \"sorry\""},
    {"words_after", "550 http://h/b/k?X-Amz-Signature=00ff is blocked", "550 (removed) is blocked"},
    {"two", "<http://h/k?X-Amz-Signature=1> and <http://h/k?X-Amz-Signature=2>", "<(removed)> and <(removed)>"},
    {"page", "554 https://files.example.org/d/0123456789abcdefghjkmnpqrs was seen before",
     "554 (removed) was seen before"},
    {"no_page", "554 https://files.example.org/d/readme", "554 https://files.example.org/d/readme"},
    {"json_tokens", R"x({"error":"x","access_token":"ey.J0.a","refresh_token" : "0.AX"})x",
     R"x({"error":"x","access_token":"(removed)","refresh_token" : "(removed)"})x"},
    {"form", "client_secret=abc~1&grant_type=x", "client_secret=(removed)&grant_type=x"},
    {"bearer", "401 Bearer eyJ0eXAi.x.y is expired", "401 Bearer (removed) is expired"},
    {"authorization", "Authorization: Basic dXNlcjpwYXNz", "Authorization: (removed)"},
    {"password", "535 password: hunter2 is wrong", "535 password: (removed) is wrong"},
    {"the_word_password", "535 5.7.8 bad username or password", "535 5.7.8 bad username or password"},
    {"the_word_token", "the token has expired", "the token has expired"},
    {"hexadecimal", "250 2.0.0 Ok: queued as 4F2A" + kSignature, "250 2.0.0 Ok: queued as 4F2A" + kSignature},
    {"broken_escapes", "100% =zz %4 %", "100% =zz %4 %"},
    {"other_bytes", "\xff\x00\x01", "\xff"},
};
class ForeignTextTest : public testing::TestWithParam<TextCase> {};
TEST_P(ForeignTextTest, LosesCredentialsOnly) { EXPECT_EQ(cut_credentials(GetParam().text), GetParam().want); }
INSTANTIATE_TEST_SUITE_P(Table, ForeignTextTest, testing::ValuesIn(kTextCases),
                         [](const auto& row) { return row.param.name; });

TEST_P(LinkInForeignTextTest, LosesItsSignatureInARequest) {
  std::string bare = to_lower(cut_signatures("file-exchange/" + GetParam().text));
  std::erase_if(bare, [](char c) { return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')); });
  for (std::size_t at = 0; at + 8 <= kSignature.size(); at += 8) {
    EXPECT_FALSE(bare.contains(kSignature.substr(at, 8))) << bare;
  }
}

TEST(CutSignatures, LeavesTheRest) {
  EXPECT_EQ(cut_signatures("photo.jpg%3FX-Amz-Expires=5&X-Amz-Signature=00ff&x=1"),
            "photo.jpg%3FX-Amz-Expires=5&X-Amz-Signature=(removed)&x=1");
  EXPECT_EQ(cut_signatures("k?X-Amz-Signature=-&X-Amz-SignedHeaders=host"),
            "k?X-Amz-Signature=-&X-Amz-SignedHeaders=host");
  EXPECT_EQ(cut_signatures("amz signature=1"), "amz signature=1");
}

TEST(ForeignLine, IsOneLineThatIsNotEndless) {
  EXPECT_EQ(foreign_line("a\r\nb\x1b\xc3\xa4", 100), "a??b???");
  EXPECT_EQ(foreign_line(std::string(1000, 'x'), 500), std::string(500, 'x'));
  // What is cut off does not hide what is cut out.
  EXPECT_EQ(foreign_line("550 " + kLink, 200), "550 (removed)");
}

}  // namespace
}  // namespace s3link
