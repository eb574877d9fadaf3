#include "core/sigv4/aws_chunked.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "core/base/encoding.hpp"
#include "core/sigv4/string_to_sign.hpp"
#include "support/aws_chunked_encoder.hpp"

namespace s3link::sigv4 {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const std::string kData = std::string(65536, 'a') + std::string(1024, 'a');
const Instant kMay24 = *parse_amz_date("20130524T000000Z");

ChunkSigner example_signer(std::string_view seed) {
  const Secret secret(std::string("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
  const CredentialScope scope = scope_of(kMay24, "us-east-1", "s3");
  return {derive_signing_key(secret, scope), kMay24, scope, std::string(seed)};
}
ChunkSigner some_signer() { return example_signer(std::string(64, '0')); }

struct Decoded {
  std::string code;  // empty: good
  std::string data;
  Fields trailers;
};

/// Feeds the body in pieces of at most `step` bytes.
Decoded decode(AwsChunkedDecoder& decoder, std::string_view body, std::size_t step) {
  Decoded out;
  while (!body.empty()) {
    auto in = as_bytes(body.substr(0, step));
    body.remove_prefix(in.size());
    while (!in.empty()) {
      const auto piece = decoder.next(in);
      if (!piece) {
        out.code = piece.error().code;
        return out;
      }
      out.data += as_text(piece->data);
      in = in.subspan(piece->consumed);
    }
  }
  if (const auto end = decoder.finish(); !end) out.code = end.error().code;
  out.trailers = decoder.trailers();
  return out;
}

Decoded decode(PayloadKind kind, ChunkSigner signer, std::string_view body, std::uint64_t length,
               std::vector<std::string> trailers = {}, std::size_t step = 1 << 20) {
  AwsChunkedDecoder decoder(kind, std::move(signer), length, std::move(trailers));
  return decode(decoder, body, step);
}

// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in
// Multiple Chunks", Example: PUT Object.
TEST(AwsChunkedDecoder, PublishedExample) {
  const std::string body =
      "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
      std::string(65536, 'a') +
      "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n" +
      std::string(1024, 'a') +
      "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n";
  ASSERT_EQ(body.size(), 66824U);  // the Content-Length of the example
  const auto signer = [] { return example_signer("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"); };
  for (const std::size_t step : {1, 2, 85, 4096, 70000}) {
    const auto got = decode(PayloadKind::streaming_signed, signer(), body, 66560, {}, step);
    EXPECT_EQ(got.code, "") << step;
    EXPECT_EQ(got.data, kData) << step;
    EXPECT_THAT(got.trailers, IsEmpty());
  }
}

// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Including Trailing Headers".
std::string trailer_example(std::string_view after_last_chunk) {
  return "10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n" +
         std::string(65536, 'a') +
         "\r\n400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n" +
         std::string(1024, 'a') +
         "\r\n0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n" +
         std::string(after_last_chunk);
}
const std::string kTrailer = "x-amz-checksum-crc32c:sOO8/Q==";
const std::string kTrailerSignature =
    "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";

Decoded decode_trailer_example(std::string_view after_last_chunk, std::size_t step = 1 << 20) {
  return decode(PayloadKind::streaming_signed_trailer,
                example_signer("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"),
                trailer_example(after_last_chunk), 66560, {"X-Amz-Checksum-Crc32c"}, step);
}

TEST(AwsChunkedDecoder, PublishedTrailerExample) {
  for (const std::size_t step : {1, 3, 1000, 70000}) {
    const auto got = decode_trailer_example(kTrailer + "\r\n" + kTrailerSignature + "\r\n\r\n", step);
    EXPECT_EQ(got.code, "");
    EXPECT_EQ(got.data, kData);
    EXPECT_THAT(got.trailers, ElementsAre(Pair("x-amz-checksum-crc32c", "sOO8/Q==")));
  }
}

// What SDKs really send differs in its line ends: minio-go, aws-sdk-java, the documentation's own text.
TEST(AwsChunkedDecoder, TrailersWithTheLineEndsOfEverySdk) {
  for (const std::string& good : {
           kTrailer + "\r\n" + kTrailerSignature,
           kTrailer + "\r\n" + kTrailerSignature + "\r\n",
           kTrailer + "\n\r\n" + kTrailerSignature + "\r\n\r\n\r\n",
           "\r\n" + kTrailer + "\r\n" + kTrailerSignature + "\r\n",
           kTrailer + "\n" + kTrailerSignature + "\n",
           "X-Amz-Checksum-Crc32c: sOO8/Q== \r\n" + kTrailerSignature + "\r\n\r\n",
       }) {
    EXPECT_EQ(decode_trailer_example(good).code, "") << testing::PrintToString(good);
  }
}

TEST(AwsChunkedDecoder, RefusesTrailersThatAreNotAsDeclaredAndSigned) {
  const std::string wrong = "x-amz-trailer-signature:" + std::string(64, '0');
  EXPECT_EQ(decode_trailer_example(kTrailer + "\r\n" + wrong + "\r\n\r\n").code, "SignatureDoesNotMatch");
  EXPECT_EQ(decode_trailer_example("x-amz-checksum-crc32c:AAAAAA==\r\n" + kTrailerSignature + "\r\n").code,
            "SignatureDoesNotMatch");
  for (const std::string& bad : {
           std::string("\r\n"),                                                          // nothing
           kTrailer + "\r\n\r\n",                                                        // no signature
           kTrailerSignature + "\r\n\r\n",                                               // no trailer
           kTrailer + "\r\nx-amz-trailer-signature:\r\n\r\n",                            // empty signature
           kTrailer + "\r\n" + kTrailer + "\r\n" + kTrailerSignature + "\r\n\r\n",       // twice
           kTrailer + "\r\nx-amz-meta-a:1\r\n" + kTrailerSignature + "\r\n\r\n",         // not declared
           kTrailer + "\r\n" + kTrailerSignature + "\r\n" + kTrailerSignature + "\r\n",  // signature twice
           kTrailer + "\r\n" + kTrailerSignature + "\r\nmore:1\r\n",                     // after the signature
           kTrailer + "\r\nno colon\r\n" + kTrailerSignature + "\r\n",                   // not a field
           kTrailer + "\r\n" + kTrailerSignature + "\r\n" + std::string(9000, '\n'),     // too long
           kTrailer + std::string(9000, ' ') + "\r\n" + kTrailerSignature + "\r\n",      // too long a line
       }) {
    EXPECT_EQ(decode_trailer_example(bad).code, "MalformedTrailerError") << testing::PrintToString(bad.substr(0, 200));
  }
}

struct UnsignedCase {
  std::string name, body;
  std::uint64_t length;
  std::vector<std::string> declared;
  std::string code, data;
  friend void PrintTo(const UnsignedCase& row, std::ostream* out) { *out << row.name; }
};
const std::string k8192(8192, 'x');
const std::vector<UnsignedCase> kUnsignedCases = {
    {"one_chunk", "5\r\nhello\r\n0\r\n\r\n", 5, {}, "", "hello"},
    {"empty", "0\r\n\r\n", 0, {}, "", ""},
    {"trailer", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", 5, {"x-amz-checksum-crc32"}, "", "hello"},
    {"trailer_missing", "5\r\nhello\r\n0\r\n\r\n", 5, {"x-amz-checksum-crc32"}, "MalformedTrailerError", "hello"},
    {"trailer_not_declared",
     "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n",
     5,
     {},
     "MalformedTrailerError",
     "hello"},
    {"trailer_signature_not_declared",
     "5\r\nhello\r\n0\r\nx-amz-trailer-signature:0\r\n\r\n",
     5,
     {},
     "MalformedTrailerError",
     "hello"},
    {"two_chunks", "2000\r\n" + k8192 + "\r\n1\r\ny\r\n0\r\n\r\n", 8193, {}, "", k8192 + "y"},
    {"upper_case_and_zeros", "0000A\r\n0123456789\r\n0\r\n\r\n", 10, {}, "", "0123456789"},
    {"short_chunk_not_last", "1\r\ny\r\n2000\r\n" + k8192 + "\r\n0\r\n\r\n", 8193, {}, "InvalidChunkSizeError", "y"},
    {"too_little", "5\r\nhello\r\n0\r\n\r\n", 6, {}, "IncompleteBody", "hello"},
    {"too_much", "5\r\nhello\r\n0\r\n\r\n", 4, {}, "IncompleteBody", ""},
    {"no_last_chunk", "5\r\nhello\r\n", 5, {}, "IncompleteBody", "hello"},
    {"cut_in_data", "5\r\nhel", 5, {}, "IncompleteBody", "hel"},
    {"cut_after_data", "5\r\nhello", 5, {}, "IncompleteBody", "hello"},
    {"cut_in_size", "5", 5, {}, "IncompleteBody", ""},
    {"nothing", "", 5, {}, "IncompleteBody", ""},
    {"nothing_for_empty", "", 0, {}, "IncompleteBody", ""},
    {"no_line_end_after_data", "5\r\nhellohello\r\n", 10, {}, "IncompleteBody", "hello"},
    {"bare_line_feed", "5\nhello\r\n0\r\n\r\n", 5, {}, "IncompleteBody", ""},
    {"no_size", "\r\nhello\r\n", 5, {}, "IncompleteBody", ""},
    {"not_hexadecimal", "g\r\n", 5, {}, "IncompleteBody", ""},
    {"negative", "-5\r\nhello\r\n0\r\n\r\n", 5, {}, "IncompleteBody", ""},
    {"prefixed", "0x5\r\nhello\r\n0\r\n\r\n", 5, {}, "IncompleteBody", ""},
    {"blank_before_size", " 5\r\nhello\r\n0\r\n\r\n", 5, {}, "IncompleteBody", ""},
    {"over_64_bits", "10000000000000005\r\nhello\r\n0\r\n\r\n", 5, {}, "IncompleteBody", ""},
    {"huge", "ffffffffffffffff\r\nhello\r\n0\r\n\r\n", 5, {}, "IncompleteBody", ""},
    {"extension", "5;a=b\r\nhello\r\n0\r\n\r\n", 5, {}, "IncompleteBody", ""},
    {"endless_line", std::string(300, '0'), 5, {}, "IncompleteBody", ""},
};
class AwsChunkedUnsigned : public testing::TestWithParam<UnsignedCase> {};
TEST_P(AwsChunkedUnsigned, DecodesOrRefuses) {
  const auto& row = GetParam();
  for (const std::size_t step : {std::size_t{1}, std::size_t{7}, row.body.size() + 1}) {
    const auto got =
        decode(PayloadKind::streaming_unsigned_trailer, ChunkSigner(), row.body, row.length, row.declared, step);
    EXPECT_EQ(got.code, row.code) << step;
    EXPECT_EQ(got.data, row.data) << step;
  }
}
INSTANTIATE_TEST_SUITE_P(Table, AwsChunkedUnsigned, testing::ValuesIn(kUnsignedCases),
                         [](const auto& row) { return row.param.name; });

struct SignedCase {
  std::string name;
  std::function<void(std::string&)> change;  // of a good body
  std::string code;
  friend void PrintTo(const SignedCase& row, std::ostream* out) { *out << row.name; }
};
void replace(std::string& text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
}
const std::vector<SignedCase> kSignedCases = {
    {"untouched", [](std::string&) {}, ""},
    {"final_empty_line_may_be_missing", [](std::string& b) { b.resize(b.size() - 2); }, ""},
    {"data_changed", [](std::string& b) { b[b.find("zz")] = 'y'; }, "SignatureDoesNotMatch"},
    {"last_data_changed", [](std::string& b) { b[b.rfind("zz")] = 'y'; }, "SignatureDoesNotMatch"},
    {"signature_changed", [](std::string& b) { b[b.find("signature=") + 10] ^= 1; }, "SignatureDoesNotMatch"},
    {"last_signature_changed", [](std::string& b) { b[b.rfind("signature=") + 10] ^= 1; }, "SignatureDoesNotMatch"},
    {"last_signature_missing", [](std::string& b) { b.resize(b.rfind(";chunk-signature=")), b += "\r\n\r\n"; },
     "IncompleteBody"},
    {"signature_empty", [](std::string& b) { b.resize(b.rfind("signature=") + 10), b += "\r\n\r\n"; },
     "SignatureDoesNotMatch"},
    {"last_chunk_missing", [](std::string& b) { b.resize(b.rfind("0;chunk")); }, "IncompleteBody"},
    {"other_extension", [](std::string& b) { replace(b, "chunk-signature", "chunk-checksum_"); }, "IncompleteBody"},
    {"trailer", [](std::string& b) { b.insert(b.size() - 2, "x-amz-checksum-crc32:AAAAAA==\r\n"); },
     "MalformedTrailerError"},
};
class AwsChunkedSigned : public testing::TestWithParam<SignedCase> {};
TEST_P(AwsChunkedSigned, DecodesOrRefuses) {
  const std::string data(10000, 'z');
  std::string body = test::encode_aws_chunked(PayloadKind::streaming_signed, some_signer(), data, 8192);
  GetParam().change(body);
  for (const std::size_t step : {std::size_t{1}, std::size_t{1000}, body.size()}) {
    EXPECT_EQ(decode(PayloadKind::streaming_signed, some_signer(), body, data.size(), {}, step).code, GetParam().code);
  }
}
INSTANTIATE_TEST_SUITE_P(Table, AwsChunkedSigned, testing::ValuesIn(kSignedCases),
                         [](const auto& row) { return row.param.name; });

TEST(AwsChunkedDecoder, AnUnsignedTrailerIsRefusedEvenWhereDeclared) {
  std::string body = test::encode_aws_chunked(PayloadKind::streaming_signed, some_signer(), "data", 8192);
  body.insert(body.size() - 2, "x-amz-checksum-crc32:AAAAAA==\r\n");
  EXPECT_EQ(decode(PayloadKind::streaming_signed, some_signer(), body, 4, {"x-amz-checksum-crc32"}).code,
            "MalformedTrailerError");
}

TEST(AwsChunkedDecoder, ChunksInAnotherOrderDoNotVerify) {
  const std::string data = std::string(8192, 'a') + std::string(8192, 'b');
  const std::string body = test::encode_aws_chunked(PayloadKind::streaming_signed, some_signer(), data, 8192);
  const std::size_t chunk = body.find("2000;", 1);
  const std::string swapped = body.substr(chunk, chunk) + body.substr(0, chunk) + body.substr(2 * chunk);
  ASSERT_EQ(swapped.size(), body.size());
  EXPECT_EQ(decode(PayloadKind::streaming_signed, some_signer(), body, data.size()).code, "");
  EXPECT_EQ(decode(PayloadKind::streaming_signed, some_signer(), swapped, data.size()).code, "SignatureDoesNotMatch");
}

TEST(AwsChunkedDecoder, HandsOutDataAsTheyCome) {
  AwsChunkedDecoder decoder(PayloadKind::streaming_signed, some_signer(), 1'000'000'000, {});
  const std::string head = "3b9aca00;chunk-signature=" + std::string(64, '0') + "\r\n";
  ASSERT_TRUE(decoder.next(as_bytes(head)));
  const std::string data(4096, 'd');
  const auto piece = decoder.next(as_bytes(data));
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->data.data(), as_bytes(data).data());  // a view of the input, not a copy
  EXPECT_EQ(piece->data.size(), data.size());
}

}  // namespace
}  // namespace s3link::sigv4
