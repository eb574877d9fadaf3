#include "core/s3/body_claims.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

struct ClaimsCase {
  std::string name;
  Fields fields;
  std::string code;  // empty: accepted
};
const std::vector<ClaimsCase> kClaimsCases = {
    {"none", {}, ""},
    {"md5", {{"Content-MD5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}, ""},
    {"md5_short", {{"Content-MD5", "1B2M2Y8AsgTpgAmY7Ph="}}, "InvalidDigest"},
    {"md5_no_base64", {{"Content-MD5", "?"}}, "InvalidDigest"},
    {"md5_empty", {{"Content-MD5", ""}}, "InvalidDigest"},
    {"crc32", {{"x-amz-checksum-crc32", "AAAAAA=="}}, ""},
    {"crc32_wrong_length", {{"x-amz-checksum-crc32", "AAAA"}}, "InvalidRequest"},
    {"crc32_no_base64", {{"x-amz-checksum-crc32", "bad"}}, "InvalidRequest"},
    {"two_checksums", {{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-checksum-crc32c", "AAAAAA=="}}, "InvalidRequest"},
    {"unknown_checksum", {{"x-amz-checksum-md6", "AAAAAA=="}}, "NotImplemented"},
    {"mode_is_no_checksum", {{"x-amz-checksum-mode", "ENABLED"}}, ""},
    {"sdk_matches", {{"x-amz-sdk-checksum-algorithm", "CRC32"}, {"x-amz-checksum-crc32", "AAAAAA=="}}, ""},
    {"sdk_differs",
     {{"x-amz-sdk-checksum-algorithm", "SHA256"}, {"x-amz-checksum-crc32", "AAAAAA=="}},
     "InvalidRequest"},
    {"sdk_alone", {{"x-amz-sdk-checksum-algorithm", "CRC32"}}, "InvalidRequest"},
    {"sdk_unknown",
     {{"x-amz-sdk-checksum-algorithm", "CRC99"}, {"x-amz-checksum-crc32", "AAAAAA=="}},
     "InvalidRequest"},
    {"sdk_with_trailer", {{"x-amz-sdk-checksum-algorithm", "CRC32"}, {"x-amz-trailer", "x-amz-checksum-crc32"}}, ""},
    {"sdk_differs_from_trailer",
     {{"x-amz-sdk-checksum-algorithm", "CRC32C"}, {"x-amz-trailer", "x-amz-checksum-crc32"}},
     "InvalidRequest"},
    {"trailer_and_field",
     {{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-trailer", "x-amz-checksum-crc32"}},
     "InvalidRequest"},
    {"two_trailers", {{"x-amz-trailer", "x-amz-checksum-crc32, x-amz-checksum-sha1"}}, "InvalidRequest"},
    {"trailer_no_checksum", {{"x-amz-trailer", "x-amz-meta-a"}}, "InvalidRequest"},
    {"decoded_length", {{"x-amz-decoded-content-length", "12"}}, ""},
    {"decoded_length_negative", {{"x-amz-decoded-content-length", "-12"}}, "InvalidArgument"},
    {"decoded_length_over_64_bits", {{"x-amz-decoded-content-length", "99999999999999999999"}}, "InvalidArgument"},
};
class ClaimsTest : public testing::TestWithParam<ClaimsCase> {};
TEST_P(ClaimsTest, AcceptsOrRefuses) {
  const auto got = BodyClaims::parse(GetParam().fields);
  EXPECT_EQ(got ? std::string() : got.error().code, GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(Table, ClaimsTest, testing::ValuesIn(kClaimsCases),
                         [](const auto& row) { return row.param.name; });

TEST(BodyClaims, SaysWhatWasClaimed) {
  const auto in_field = BodyClaims::parse({{"X-Amz-Checksum-CRC32", "y/Q5Jg=="}});
  EXPECT_EQ(in_field->algorithm, ChecksumAlgorithm::crc32);
  EXPECT_EQ(in_field->checksum, "\xcb\xf4\x39\x26");
  const auto in_trailer = BodyClaims::parse({{"x-amz-trailer", "X-Amz-Checksum-SHA256"}});
  EXPECT_EQ(in_trailer->algorithm, ChecksumAlgorithm::sha256);
  EXPECT_FALSE(in_trailer->checksum);
  EXPECT_EQ(in_trailer->trailers, (std::vector<std::string>{"x-amz-checksum-sha256"}));
}

struct MultipartCase {
  std::string name, algorithm, type;
  std::string want;  // "algorithm type", or an error code
};
const std::vector<MultipartCase> kMultipartCases = {
    {"none", "", "", "-"},
    {"crc32", "CRC32", "", "CRC32 COMPOSITE"},
    {"crc32_full", "CRC32", "FULL_OBJECT", "CRC32 FULL_OBJECT"},
    {"crc64", "CRC64NVME", "", "CRC64NVME FULL_OBJECT"},
    {"crc64_composite", "CRC64NVME", "COMPOSITE", "InvalidRequest"},
    {"sha256", "sha256", "composite", "SHA256 COMPOSITE"},
    {"sha1_full", "SHA1", "FULL_OBJECT", "InvalidRequest"},
    {"type_alone", "", "COMPOSITE", "InvalidRequest"},
    {"unknown", "MD5", "", "InvalidRequest"},
    {"unknown_type", "CRC32", "HALF", "InvalidRequest"},
};
class MultipartChecksumTest : public testing::TestWithParam<MultipartCase> {};
TEST_P(MultipartChecksumTest, HasADefaultType) {
  Fields fields;
  if (!GetParam().algorithm.empty()) fields.emplace_back("x-amz-checksum-algorithm", GetParam().algorithm);
  if (!GetParam().type.empty()) fields.emplace_back("x-amz-checksum-type", GetParam().type);
  const auto got = MultipartChecksum::parse(fields);
  std::string text = got ? "-" : got.error().code;
  if (got && got->algorithm) {
    text = std::string(to_string(*got->algorithm)) + (got->composite ? " COMPOSITE" : " FULL_OBJECT");
  }
  EXPECT_EQ(text, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, MultipartChecksumTest, testing::ValuesIn(kMultipartCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::s3
