#include "core/base/encoding.hpp"

#include <gtest/gtest.h>

namespace s3link {
namespace {

TEST(Base64, IsStrict) {
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");  // RFC 4648 §10
  EXPECT_EQ(base64_decode("Zm9vYg=="), "foob");
  EXPECT_EQ(base64_decode(""), "");
  for (const char* bad : {"Zm9vYg", "Zm9vYh==", " Zm9vYg==", "Zm9vYg=\n", "Zm==Zm9v"}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(Hex, RoundTripAndRefusal) {
  EXPECT_EQ(hex_encode(std::string("\x00\xff\x10", 3)), "00ff10");
  EXPECT_EQ(hex_encode("12345678"), "3132333435363738");
  EXPECT_EQ(hex_decode("00FF10"), std::string("\x00\xff\x10", 3));
  EXPECT_FALSE(hex_decode("0"));
  EXPECT_FALSE(hex_decode("0g"));
}

TEST(UriEncode, KeepsOnlyUnreserved) {
  EXPECT_EQ(uri_encode("a b/c+%~*é"), "a%20b%2Fc%2B%25~%2A%C3%A9");
  EXPECT_EQ(uri_encode_path("a b/c"), "a%20b/c");
  EXPECT_EQ(uri_decode("a%20b+c%2f"), "a b+c/");
  EXPECT_FALSE(uri_decode("%"));
  EXPECT_FALSE(uri_decode("%4"));
  EXPECT_FALSE(uri_decode("%zz"));
}

TEST(UriEncode, AppendsBehindWhatIsThere) {
  std::string out = "a b";
  append_uri_encoded(out, "c d/é");
  EXPECT_EQ(out, "a bc%20d%2F%C3%A9");
  append_uri_encoded(out, "");
  EXPECT_EQ(out, "a bc%20d%2F%C3%A9");
}

TEST(UriEncode, EveryByteOnce) {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  std::string plain;
  const std::string encoded = uri_encode(bytes);
  for (std::size_t at = 0; at < encoded.size(); at += encoded[at] == '%' ? 3 : 1) {
    if (encoded[at] != '%') plain += encoded[at];
  }
  EXPECT_EQ(plain, "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~");
  EXPECT_EQ(encoded.size(), plain.size() + 3 * (256 - plain.size()));
  EXPECT_EQ(uri_decode(encoded), bytes);
}

TEST(FormEncode, IsWhatEventRecordsCarry) {
  EXPECT_EQ(form_encode_key("my file+1%.pdf"), "my+file%2B1%25.pdf");
  EXPECT_EQ(form_encode_key("a/b~*"), "a/b%7E*");
  EXPECT_EQ(form_decode("my+file%2B1%25.pdf"), "my file+1%.pdf");
}

TEST(Utf8, Rfc3629) {
  EXPECT_TRUE(is_utf8("aé漢😀"));
  for (const char* bad : {"\xC0\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE6\xBC", "\x80", "\xFF"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Text, CaseAndBlanks) {
  EXPECT_TRUE(equals_ignoring_case("Content-MD5", "content-md5"));
  EXPECT_FALSE(equals_ignoring_case("a", "ab"));
  EXPECT_EQ(trim(" \t a b\t"), "a b");
  EXPECT_EQ(trim("  "), "");
}

}  // namespace
}  // namespace s3link
