#include "adapters/aws/s3_listing.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/aws/aws_fixture_test.hpp"

namespace s3link::aws {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

std::string row(const std::string& key, const std::string& size = "7",
                const std::string& modified = "2026-01-02T03:04:05.000Z") {
  return "<Contents><Key>" + key + "</Key><LastModified>" + modified +
         "</LastModified><ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag><Size>" + size +
         "</Size><StorageClass>STANDARD</StorageClass></Contents>";
}
std::string page(const std::string& rows, bool truncated = false, bool encoded = true) {
  return R"(<?xml version="1.0" encoding="UTF-8"?>)"
         "\n"
         R"(<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><IsTruncated>)" +
         std::string(truncated ? "true" : "false") + "</IsTruncated>" +
         (encoded ? "<EncodingType>url</EncodingType>" : "") + rows + "</ListBucketResult>";
}

class S3ListingTest : public AwsTest {
 protected:
  auto list(std::string bucket, std::string start_after = {}) {
    return run_sync(listing.list(std::move(bucket), std::move(start_after), in(25s), under));
  }
  S3Listing listing{caller, at(Service::s3)};
};

TEST_F(S3ListingTest, TheBucketStandsInTheHost) {
  http.answers.push_back(answer(200, page("")));
  const auto got = list("file-exchange");
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->objects.empty());
  EXPECT_TRUE(got->next.empty());
  EXPECT_EQ(last().request.method, "GET");
  EXPECT_EQ(last().request.host, "file-exchange.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(last().request.target, "/?list-type=2&encoding-type=url&max-keys=1000");
  EXPECT_EQ(under.children[0].aws->operation, "ListObjectsV2");
}

TEST_F(S3ListingTest, ABucketWithADotStandsInThePath) {
  http.answers.push_back(answer(200, page("")));
  ASSERT_TRUE(list("my.bucket", "a b+c/ö"));
  EXPECT_EQ(last().request.host, "s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(last().request.target,
            "/my.bucket?list-type=2&encoding-type=url&max-keys=1000&start-after=a%20b%2Bc%2F%C3%B6");
}

TEST_F(S3ListingTest, AtANamedEndpointTheBucketStandsInThePath) {
  http.answers.push_back(answer(200, page("")));
  S3Listing custom(caller, *endpoint_of(Service::s3, "eu-central-1", [](std::string_view name) {
                     return std::string(name == "AWS_ENDPOINT_URL_S3" ? "http://127.0.0.1:9000/base" : "");
                   }));
  ASSERT_TRUE(run_sync(custom.list("bucket", {}, in(25s), under)));
  EXPECT_EQ(last().request.host, "127.0.0.1");
  EXPECT_EQ(last().request.target, "/base/bucket?list-type=2&encoding-type=url&max-keys=1000");
}

TEST_F(S3ListingTest, KeysAreDecoded) {
  http.answers.push_back(answer(200, page(row("a+b%2Bc/%C3%B6%00x") + row("z", "5497558138880"), true)));
  const auto got = list("b");
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_THAT(got->objects, SizeIs(2));
  EXPECT_EQ(got->objects[0].key, std::string("a b+c/ö") + '\0' + 'x');
  EXPECT_EQ(got->objects[0].size_bytes, 7U);
  EXPECT_EQ(got->objects[0].etag, "9b2cf535f27731c974343645a3985328");
  EXPECT_EQ(got->objects[0].modified, *parse_iso8601("2026-01-02T03:04:05Z"));
  EXPECT_EQ(got->objects[1].size_bytes, 5'497'558'138'880U);
  EXPECT_EQ(got->next, "z");
}

TEST_F(S3ListingTest, AServerThatDoesNotEncodeIsUnderstood) {
  http.answers.push_back(answer(200, page(row("a+b%2B &amp; c"), false, false)));
  const auto got = list("b");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->objects[0].key, "a+b%2B & c");
  EXPECT_EQ(got->next, "");
}

TEST_F(S3ListingTest, ALostAnswerIsAskedForAgain) {
  http.answers = {no_answer(), answer(200, page(""))};
  EXPECT_TRUE(list("b"));
}

struct ErrorCase {
  std::string name;
  unsigned status;
  std::string body, code;
  ErrorKind kind;
};
std::string error_document(const std::string& code) {
  return "<Error><Code>" + code + "</Code><Message>no</Message></Error>";
}
const std::vector<ErrorCase> kErrorCases = {
    {"NoBucket", 404, error_document("NoSuchBucket"), "NoSuchBucket", ErrorKind::not_found},
    {"Denied", 403, error_document("AccessDenied"), "AccessDenied", ErrorKind::denied},
    {"Expired", 400, error_document("ExpiredToken"), "ExpiredToken", ErrorKind::denied},
    {"OtherRegion", 301, error_document("PermanentRedirect"), "PermanentRedirect", ErrorKind::denied},
    {"NoXml", 200, "ok", "unknown", ErrorKind::transient},
    {"OtherDocument", 200, "<Ok/>", "unknown", ErrorKind::transient},
    {"BrokenKey", 200, page(row("%zz")), "unknown", ErrorKind::transient},
    {"NoKey", 200, page(row("")), "unknown", ErrorKind::transient},
    {"NoSize", 200, page(row("a", "")), "unknown", ErrorKind::transient},
    {"NoDate", 200, page(row("a", "1", "yesterday")), "unknown", ErrorKind::transient},
    {"GoesOnWithoutKeys", 200, page("", true), "unknown", ErrorKind::transient},
};
class S3ListingErrorTest : public S3ListingTest, public testing::WithParamInterface<ErrorCase> {};
TEST_P(S3ListingErrorTest, IsOneThePortPromises) {
  const auto& error = GetParam();
  http.answers.push_back(answer(error.status, error.body));
  const auto got = list("b");
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, error.code);
  EXPECT_EQ(got.error().kind, error.kind);
}
INSTANTIATE_TEST_SUITE_P(Table, S3ListingErrorTest, testing::ValuesIn(kErrorCases),
                         [](const auto& error) { return error.param.name; });

TEST_F(S3ListingTest, MoreThanWasAskedForIsRefused) {
  std::string rows;
  for (int i = 0; i < 1'001; ++i) rows += row("k" + std::to_string(i));
  http.answers.push_back(answer(200, page(rows)));
  EXPECT_FALSE(list("b"));
}

}  // namespace
}  // namespace s3link::aws
