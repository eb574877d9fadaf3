#include "core/sigv4/sign.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"

namespace s3link::sigv4 {
namespace {

using testing::EndsWith;
using testing::Key;
using testing::Not;

// The key pair and moment of every example in the Amazon S3 API Reference.
Credentials example_credentials() {
  return {"AKIAIOSFODNN7EXAMPLE", Secret(std::string("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")), {}};
}
const Instant kMay24 = *parse_amz_date("20130524T000000Z");

std::string field(const OutgoingRequest& request, std::string_view name) {
  for (const auto& [n, value] : request.fields) {
    if (equals_ignoring_case(n, name)) return value;
  }
  return "(missing)";
}

/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring Payload in a
/// Single Chunk", Examples.
struct Example {
  std::string name, method, target;
  Fields fields;
  std::string body, signed_headers, signature;
};
const std::vector<Example> kExamples = {
    {"GetObject",
     "GET",
     "/test.txt",
     {{"Range", "bytes=0-9"}},
     "",
     "host;range;x-amz-content-sha256;x-amz-date",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PutObject",
     "PUT",
     "/test$file.text",
     {{"Date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
     "Welcome to Amazon S3.",
     "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GetBucketLifecycle",
     "GET",
     "/?lifecycle",
     {},
     "",
     "host;x-amz-content-sha256;x-amz-date",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"ListObjects",
     "GET",
     "/?prefix=J&max-keys=2",
     {},
     "",
     "host;x-amz-content-sha256;x-amz-date",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};
class SignRequestExample : public testing::TestWithParam<Example> {};
TEST_P(SignRequestExample, HasThePublishedSignature) {
  const Example& example = GetParam();
  OutgoingRequest request{example.method, "examplebucket.s3.amazonaws.com", example.target, example.fields};
  sign_request(request, example_credentials(), "us-east-1", "s3", hex_encode(sha256(example.body)), kMay24);
  EXPECT_EQ(field(request, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=" +
                example.signed_headers + ",Signature=" + example.signature);
  EXPECT_EQ(field(request, "x-amz-date"), "20130524T000000Z");
}
INSTANTIATE_TEST_SUITE_P(AmazonS3, SignRequestExample, testing::ValuesIn(kExamples),
                         [](const auto& row) { return row.param.name; });

// Source: "AWS Signature Version 4 Test Suite", get-vanilla.
TEST(SignRequest, OtherServicesHaveNoContentHash) {
  const Credentials credentials{"AKIDEXAMPLE", Secret(std::string("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")), {}};
  OutgoingRequest request{"GET", "example.amazonaws.com", "/", {}};
  sign_request(request, credentials, "us-east-1", "service", kEmptySha256, *parse_amz_date("20150830T123600Z"));
  EXPECT_THAT(field(request, "Authorization"),
              EndsWith("SignedHeaders=host;x-amz-date,"
                       "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
  EXPECT_THAT(request.fields, Not(testing::Contains(Key("x-amz-content-sha256"))));
}

// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Including Trailing Headers".
TEST(SignRequest, TrailerExampleWithItsChunks) {
  OutgoingRequest request{"PUT",
                          "s3.amazonaws.com",
                          "/examplebucket/chunkObject.txt",
                          {{"Content-Encoding", "aws-chunked"},
                           {"Content-Length", "66824"},
                           {"x-amz-decoded-content-length", "66560"},
                           {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                           {"x-amz-trailer", "x-amz-checksum-crc32c"}}};
  ChunkSigner chunks = sign_request(request, example_credentials(), "us-east-1", "s3",
                                    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", kMay24);
  EXPECT_THAT(field(request, "Authorization"),
              EndsWith("Signature=106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"));
  EXPECT_EQ(chunks.sign_chunk(hex_encode(sha256(std::string(65536, 'a')))),
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
  EXPECT_EQ(chunks.sign_chunk(hex_encode(sha256(std::string(1024, 'a')))),
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
  EXPECT_EQ(chunks.sign_chunk(kEmptySha256), "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
  EXPECT_EQ(chunks.sign_trailers(hex_encode(sha256("x-amz-checksum-crc32c:sOO8/Q==\n"))),
            "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
}

TEST(SignRequest, ReplacesWhatAnEarlierSignatureLeft) {
  OutgoingRequest request{"GET", "h", "/", {{"X-Amz-Date", "20000101T000000Z"}, {"Authorization", "old"}}};
  sign_request(request, example_credentials(), "us-east-1", "s3", kEmptySha256, kMay24);
  OutgoingRequest fresh{"GET", "h", "/", {}};
  sign_request(fresh, example_credentials(), "us-east-1", "s3", kEmptySha256, kMay24);
  EXPECT_THAT(request.fields, testing::UnorderedElementsAreArray(fresh.fields));
}

TEST(SignRequest, LeavesOutWhatClientsAndProxiesChange) {
  OutgoingRequest request{"GET", "h", "/", {{"User-Agent", "s3link"}, {"Connection", "close"}, {"Expect", "x"}}};
  sign_request(request, example_credentials(), "us-east-1", "s3", kEmptySha256, kMay24);
  EXPECT_THAT(field(request, "Authorization"), testing::HasSubstr("=host;x-amz-content-sha256;x-amz-date,"));
}

TEST(SignRequest, SignsTheSessionToken) {
  const Credentials temporary{"ASIA", Secret(std::string("k")), Secret(std::string("token"))};
  OutgoingRequest request{"GET", "h", "/", {}};
  sign_request(request, temporary, "us-east-1", "s3", kEmptySha256, kMay24);
  EXPECT_EQ(field(request, "x-amz-security-token"), "token");
  EXPECT_THAT(field(request, "Authorization"), testing::HasSubstr(";x-amz-date;x-amz-security-token,"));
}

TEST(SignRequest, SignsAlikeWithKeysFromACache) {
  const Credentials credentials = example_credentials();
  SigningKeyCache keys(credentials.secret_access_key);
  for (const Instant when : {kMay24, kMay24 + std::chrono::days(1), kMay24}) {
    OutgoingRequest derived{"GET", "h", "/", {}};
    sign_request(derived, credentials, "us-east-1", "dynamodb", kEmptySha256, when);
    OutgoingRequest cached{"GET", "h", "/", {}};
    sign_request(cached, credentials, keys, "us-east-1", "dynamodb", kEmptySha256, when);
    EXPECT_EQ(cached.fields, derived.fields);
  }
}

}  // namespace
}  // namespace s3link::sigv4
