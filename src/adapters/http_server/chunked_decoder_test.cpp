#include "adapters/http_server/chunked_decoder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace s3link::http_server {
namespace {

struct Decoded {
  std::string data;
  std::size_t used = 0;
};

// Decodes `stream` given in pieces of `step` bytes. Empty: refused, or it did not end.
std::optional<Decoded> decode(std::string_view stream, std::size_t step) {
  ChunkedDecoder decoder;
  Decoded result;
  for (std::size_t start = 0; start < stream.size() && !decoder.done(); start += step) {
    std::string_view piece = stream.substr(start, step);
    while (!piece.empty() && !decoder.done()) {
      const auto framing = decoder.skip_framing(piece);
      if (!framing) return std::nullopt;
      piece.remove_prefix(*framing);
      result.used += *framing;
      const auto data = static_cast<std::size_t>(std::min<std::uint64_t>(decoder.data_left(), piece.size()));
      if (data == 0) continue;
      result.data += piece.substr(0, data);
      result.used += data;
      decoder.take_data(data);
      piece.remove_prefix(data);
    }
  }
  if (!decoder.done()) return std::nullopt;
  return result;
}

struct Case {
  std::string name, stream;
  std::optional<std::string> want;  // empty: refused
};
const std::vector<Case> kCases = {
    {"empty_body", "0\r\n\r\n", ""},
    {"two_chunks", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n", "abc0123456789"},
    {"lower_case_and_leading_zeros", "00a\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
    {"extension", "3;name=\"va;lue\"\r\nabc\r\n0;x\r\n\r\n", "abc"},
    {"blank_before_extension", "3 ;x\r\nabc\r\n0\r\n\r\n", "abc"},
    {"trailers", "3\r\nabc\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\nB: c\r\n\r\n", "abc"},
    {"data_that_looks_like_framing", "5\r\n0\r\n\r\n\r\n0\r\n\r\n", "0\r\n\r\n"},
    {"no_size", "\r\nabc\r\n0\r\n\r\n", {}},
    {"negative", "-3\r\nabc\r\n0\r\n\r\n", {}},
    {"hexadecimal_prefix", "0x3\r\nabc\r\n0\r\n\r\n", {}},
    {"blank_before_size", " 3\r\nabc\r\n0\r\n\r\n", {}},
    {"not_hexadecimal", "3g\r\nabc\r\n0\r\n\r\n", {}},
    {"too_large", "10000000000000000\r\nabc", {}},
    {"bare_lf_after_size", "3\nabc\r\n0\r\n\r\n", {}},
    {"bare_lf_in_extension", "3;a\nabc\r\n0\r\n\r\n", {}},
    {"bare_cr_in_extension", "3;a\rb\r\nabc\r\n0\r\n\r\n", {}},
    {"data_longer_than_size", "3\r\nabcd\r\n0\r\n\r\n", {}},
    {"bare_lf_after_data", "3\r\nabc\n0\r\n\r\n", {}},
    {"bare_lf_at_the_end", "0\r\n\n", {}},
    {"bare_lf_in_trailer", "0\r\nA: b\n\r\n", {}},
    {"folded_trailer", "0\r\nA: b\r\n c\r\n\r\n", {}},
    {"size_line_too_long", std::string(2000, '0') + "\r\n\r\n", {}},
    {"extension_too_long", "3;" + std::string(2000, 'x') + "\r\nabc\r\n0\r\n\r\n", {}},
    {"trailers_too_long", "0\r\nA: " + std::string(9000, 'x') + "\r\n\r\n", {}},
};
class ChunkedDecoderTest : public testing::TestWithParam<Case> {};

TEST_P(ChunkedDecoderTest, DecodesOrRefusesHoweverItIsSplit) {
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{7}, std::size_t{100'000}}) {
    const auto got = decode(GetParam().stream, step);
    EXPECT_EQ(got ? std::optional(got->data) : std::nullopt, GetParam().want) << "in steps of " << step;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, ChunkedDecoderTest, testing::ValuesIn(kCases),
                         [](const auto& row) { return row.param.name; });

TEST(ChunkedDecoder, WhatFollowsTheBodyIsLeft) {
  const std::string stream = "3\r\nabc\r\n0\r\nA: b\r\n\r\n";
  const auto got = decode(stream + "GET / HTTP/1.1\r\n", 1000);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->used, stream.size());
}

TEST(ChunkedDecoder, ExtensionsOfManySmallChunksAreBounded) {
  std::string stream;
  for (int chunk = 0; chunk < 1000; ++chunk) stream += "1;" + std::string(100, 'x') + "\r\na\r\n";
  EXPECT_FALSE(decode(stream + "0\r\n\r\n", 4096));
}

TEST(ChunkedDecoder, ExtensionsThatLargeChunksPayForAreNot) {
  // The chunk signatures of a proxy that keeps them as extensions.
  std::string stream;
  for (int chunk = 0; chunk < 1000; ++chunk) {
    stream += "400;chunk-signature=" + std::string(64, 'a') + "\r\n" + std::string(1024, 'd') + "\r\n";
  }
  const auto got = decode(stream + "0\r\n\r\n", 4096);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->data.size(), 1024U * 1000);
}

}  // namespace
}  // namespace s3link::http_server
