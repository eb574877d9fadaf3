#include "core/s3/write_options.hpp"

#include <gtest/gtest.h>

namespace s3link::s3 {
namespace {

struct OptionsCase {
  std::string name;
  Fields fields;
  std::string code;  // empty: accepted
};
const std::vector<OptionsCase> kOptionsCases = {
    {"none", {}, ""},
    {"private", {{"x-amz-acl", "private"}}, ""},
    {"owner_full_control", {{"x-amz-acl", "bucket-owner-full-control"}}, ""},
    {"public_read", {{"x-amz-acl", "public-read"}}, "AccessControlListNotSupported"},
    {"grant", {{"X-Amz-Grant-Read", "uri=\"x\""}}, "AccessControlListNotSupported"},
    {"standard", {{"x-amz-storage-class", "STANDARD"}}, ""},
    {"glacier", {{"x-amz-storage-class", "GLACIER"}}, "InvalidStorageClass"},
    {"aes256", {{"x-amz-server-side-encryption", "AES256"}}, ""},
    {"kms", {{"x-amz-server-side-encryption", "aws:kms"}}, "NotImplemented"},
    {"kms_dsse", {{"x-amz-server-side-encryption", "aws:kms:dsse"}}, "NotImplemented"},
    {"kms_key", {{"x-amz-server-side-encryption-aws-kms-key-id", "k"}}, "NotImplemented"},
    {"other_cipher", {{"x-amz-server-side-encryption", "ROT13"}}, "InvalidEncryptionAlgorithmError"},
    {"customer_key", {{"x-amz-server-side-encryption-customer-key", "k"}}, "NotImplemented"},
    {"tagging", {{"x-amz-tagging", "a=b"}}, "NotImplemented"},
    {"redirect", {{"x-amz-website-redirect-location", "/"}}, "NotImplemented"},
    {"lock", {{"x-amz-object-lock-mode", "GOVERNANCE"}}, "InvalidRequest"},
    {"metadata_at_limit", {{"x-amz-meta-a", std::string(2047, 'v')}}, ""},
    {"metadata_over_limit", {{"x-amz-meta-a", std::string(2048, 'v')}}, "MetadataTooLarge"},
    {"metadata_over_limit_in_sum",
     {{"x-amz-meta-a", std::string(1500, 'v')}, {"x-amz-meta-b", std::string(600, 'v')}},
     "MetadataTooLarge"},
    {"metadata_with_control", {{"x-amz-meta-a", "a\x01"}}, "InvalidArgument"},
    {"type_with_control", {{"Content-Type", "a\x7f"}}, "InvalidArgument"},
};
class WriteOptionsTest : public testing::TestWithParam<OptionsCase> {};
TEST_P(WriteOptionsTest, AcceptsOrRefuses) {
  const auto got = parse_write_options(GetParam().fields);
  EXPECT_EQ(got ? std::string() : got.error().code, GetParam().code);
}
INSTANTIATE_TEST_SUITE_P(Table, WriteOptionsTest, testing::ValuesIn(kOptionsCases),
                         [](const auto& row) { return row.param.name; });

TEST(WriteOptions, KeepWhatTheClientSaid) {
  const auto got = parse_write_options({{"content-type", "text/plain"},
                                        {"Cache-Control", "max-age=1"},
                                        {"Content-Disposition", "attachment; filename=\"a\""},
                                        {"Content-Encoding", "deflate, aws-chunked, gzip"},
                                        {"Content-Language", "de"},
                                        {"Expires", "Thu, 01 Dec 2026 16:00:00 GMT"},
                                        {"X-Amz-Meta-Colour", "blau"},
                                        {"x-amz-meta-colour", "rot"},
                                        {"x-amz-meta-empty", ""},
                                        {"x-s3link-sequencer", "FF"}});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->content_type, "text/plain");
  EXPECT_EQ(got->cache_control, "max-age=1");
  EXPECT_EQ(got->content_disposition, "attachment; filename=\"a\"");
  EXPECT_EQ(got->content_encoding, "deflate, gzip");
  EXPECT_EQ(got->content_language, "de");
  EXPECT_EQ(got->expires, "Thu, 01 Dec 2026 16:00:00 GMT");
  EXPECT_EQ(got->metadata, (std::vector<std::pair<std::string, std::string>>{{"colour", "blau,rot"}, {"empty", ""}}));
}

TEST(WriteOptions, AwsChunkedIsNotKept) {
  EXPECT_EQ(parse_write_options({{"Content-Encoding", "aws-chunked"}})->content_encoding, "");
  EXPECT_EQ(parse_write_options({{"Content-Encoding", "gzip"}, {"Content-Encoding", "AWS-Chunked"}})->content_encoding,
            "gzip");
}

}  // namespace
}  // namespace s3link::s3
