#include "apps/s3link/object_page.hpp"

#include <gtest/gtest.h>

namespace s3link::app {
namespace {

TEST(ParseObjectPage, ReadsObjectsAndToken) {
  const auto got = parse_object_page(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<Name>b</Name><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>t+/=</NextContinuationToken><Contents><Key>a+b%2B/%C3%A9%0A</Key>"
      "<LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;abc&quot;</ETag><Size>5368709120</Size></"
      "Contents>"
      "</ListBucketResult>");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->next_token, "t+/=");
  ASSERT_EQ(got->objects.size(), 1u);
  EXPECT_EQ(got->objects[0].key, "a b+/é\n");
  EXPECT_EQ(got->objects[0].size_bytes, 5368709120u);
  EXPECT_EQ(got->objects[0].etag, "abc");
  EXPECT_EQ(iso8601(got->objects[0].modified), "2026-01-02T03:04:05.000Z");
}

TEST(ParseObjectPage, LastPageHasNoToken) {
  const auto got = parse_object_page("<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>");
  ASSERT_TRUE(got);
  EXPECT_TRUE(got->objects.empty());
  EXPECT_EQ(got->next_token, "");
}

TEST(ParseObjectPage, AnythingElseIsAnError) {
  for (const auto* xml :
       {"", "<Error/>", "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>", "<a"}) {
    EXPECT_FALSE(parse_object_page(xml)) << xml;
  }
}

}  // namespace
}  // namespace s3link::app
