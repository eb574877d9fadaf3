#include "core/s3/checksum.hpp"

#include <gtest/gtest.h>

#include "core/base/encoding.hpp"

namespace s3link::s3 {
namespace {

std::string of(ChecksumAlgorithm algorithm, std::string_view text) {
  Checksum checksum(algorithm);
  checksum.update(as_bytes(text));
  return checksum.finish();
}

std::string some_bytes(std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += static_cast<char>((i * 31 + i / 7) & 0xFF);
  return out;
}

/// The check values of "123456789": the catalogue of parametrised CRC algorithms (CRC-32/ISO-HDLC, CRC-32/ISCSI,
/// CRC-64/NVME) and the NIST digests.
TEST(Checksum, CheckValues) {
  EXPECT_EQ(hex_encode(of(ChecksumAlgorithm::crc32, "123456789")), "cbf43926");
  EXPECT_EQ(hex_encode(of(ChecksumAlgorithm::crc32c, "123456789")), "e3069283");
  EXPECT_EQ(hex_encode(of(ChecksumAlgorithm::crc64nvme, "123456789")), "ae8b14860a799888");
  EXPECT_EQ(hex_encode(of(ChecksumAlgorithm::sha1, "abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex_encode(of(ChecksumAlgorithm::sha256, "")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_encode(of(ChecksumAlgorithm::crc32, "")), "00000000");
}

class ChecksumTest : public testing::TestWithParam<ChecksumAlgorithm> {};

TEST_P(ChecksumTest, PiecesMakeTheWhole) {
  const std::string text = some_bytes(1000);
  for (const std::size_t cut : {0U, 1U, 15U, 16U, 17U, 500U, 999U, 1000U}) {
    Checksum checksum(GetParam());
    checksum.update(as_bytes(std::string_view(text).substr(0, cut)));
    checksum.update(as_bytes(std::string_view(text).substr(cut)));
    EXPECT_EQ(checksum.finish(), of(GetParam(), text)) << cut;
  }
}

TEST_P(ChecksumTest, NamesRoundTrip) {
  EXPECT_EQ(parse_checksum_algorithm(to_string(GetParam())), GetParam());
  EXPECT_EQ(parse_checksum_algorithm(to_lower(to_string(GetParam()))), GetParam());
  EXPECT_EQ(of(GetParam(), "x").size(), checksum_bytes(GetParam()));
}

TEST_P(ChecksumTest, CrcsCombine) {
  if (!is_crc(GetParam())) return;
  const std::string text = some_bytes(70000);
  for (const std::size_t cut : {0U, 1U, 4096U, 65536U, 69999U, 70000U}) {
    const std::string_view a = std::string_view(text).substr(0, cut);
    const std::string_view b = std::string_view(text).substr(cut);
    EXPECT_EQ(combine_crc(GetParam(), of(GetParam(), a), of(GetParam(), b), b.size()), of(GetParam(), text)) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ChecksumTest, testing::ValuesIn(kChecksumAlgorithms),
                         [](const auto& row) { return std::string(to_string(row.param)); });

TEST(Checksum, Names) {
  EXPECT_EQ(checksum_field(ChecksumAlgorithm::crc64nvme), "x-amz-checksum-crc64nvme");
  EXPECT_EQ(checksum_element(ChecksumAlgorithm::sha1), "ChecksumSHA1");
  EXPECT_FALSE(parse_checksum_algorithm("MD5"));
}

TEST(CompositeChecksum, IsTheChecksumOfTheParts) {
  const std::string a = of(ChecksumAlgorithm::sha256, "a");
  const std::string b = of(ChecksumAlgorithm::sha256, "b");
  EXPECT_EQ(composite_checksum(ChecksumAlgorithm::sha256, {a, b}),
            base64_encode(of(ChecksumAlgorithm::sha256, a + b)) + "-2");
}

}  // namespace
}  // namespace s3link::s3
