#include "core/base/encoding.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class ListingTest : public ApiTest {
 protected:
  void fill(const std::vector<std::string>& keys) {
    for (const auto& key : keys) {
      EXPECT_EQ(put("/file-exchange/" + uri_encode_path(key), "x").outcome(), "200") << key;
    }
  }
};

TEST_F(ListingTest, VersionOneHasMarkersAndOwners) {
  fill({"a", "b/1", "b/2", "c"});
  const Reply all = get("/file-exchange/?delimiter=%2F");
  EXPECT_THAT(all.elements("Key"), ElementsAre("a", "c"));
  EXPECT_THAT(all.body, HasSubstr("<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>"));
  EXPECT_EQ(all.element("IsTruncated"), "false");
  EXPECT_EQ(all.element("ID"), "s3link");
  EXPECT_EQ(all.element("ETag"), "&quot;9dd4e461268c8034f5c8564e155c67a6&quot;");
  EXPECT_EQ(all.element("LastModified"), "2026-01-02T03:04:05.000Z");
  const Reply first = get("/file-exchange?max-keys=2&delimiter=/");
  EXPECT_EQ(first.element("NextMarker"), "b/");
  const Reply second = get("/file-exchange?max-keys=2&delimiter=/&marker=b/");
  EXPECT_THAT(second.elements("Key"), ElementsAre("c"));
  EXPECT_EQ(second.element("Marker"), "b/");
  // Without a delimiter S3 gives no NextMarker: the last key is it.
  EXPECT_THAT(get("/file-exchange?max-keys=2").body, Not(HasSubstr("NextMarker")));
}

TEST_F(ListingTest, VersionTwoGoesOnByToken) {
  fill({"a", "b", "c", "d", "e"});
  std::vector<std::string> seen;
  std::string target = "/file-exchange?list-type=2&max-keys=2";
  std::string token;
  for (int page = 0; page < 3; ++page) {
    const Reply reply = get(token.empty() ? target : target + "&continuation-token=" + uri_encode(token));
    for (const auto& key : reply.elements("Key")) seen.push_back(key);
    EXPECT_EQ(reply.element("ContinuationToken"), token);
    EXPECT_EQ(reply.element("IsTruncated"), page < 2 ? "true" : "false");
    EXPECT_EQ(reply.element("KeyCount"), page < 2 ? "2" : "1");
    token = reply.element("NextContinuationToken");
  }
  EXPECT_THAT(seen, ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_EQ(token, "");
}

TEST_F(ListingTest, VersionTwoOptions) {
  fill({"a", "b", "c"});
  const Reply after = get("/file-exchange?list-type=2&start-after=a");
  EXPECT_THAT(after.elements("Key"), ElementsAre("b", "c"));
  EXPECT_EQ(after.element("StartAfter"), "a");
  EXPECT_THAT(after.elements("Owner"), IsEmpty());
  EXPECT_EQ(get("/file-exchange?list-type=2&fetch-owner=true").elements("Owner").size(), 3U);
  const Reply none = get("/file-exchange?list-type=2&max-keys=0");
  EXPECT_EQ(none.element("KeyCount"), "0");
  EXPECT_EQ(none.element("IsTruncated"), "false");
  EXPECT_EQ(none.element("MaxKeys"), "0");
  EXPECT_EQ(get("/missing?list-type=2").outcome(), "404 NoSuchBucket");
}

TEST_F(ListingTest, DelimitersOfSeveralCharacters) {
  fill({"a--b", "a--c", "a-d", "e"});
  const Reply reply = get("/file-exchange?list-type=2&delimiter=--");
  EXPECT_THAT(reply.elements("Key"), ElementsAre("a-d", "e"));
  EXPECT_THAT(reply.body, HasSubstr("<CommonPrefixes><Prefix>a--</Prefix></CommonPrefixes>"));
}

TEST_F(ListingTest, PrefixAndDelimiterPageThroughCommonPrefixes) {
  fill({"p/a/1", "p/a/2", "p/b/1", "p/c", "q"});
  const Reply first = get("/file-exchange?list-type=2&prefix=p/&delimiter=/&max-keys=1");
  EXPECT_THAT(first.elements("Key"), IsEmpty());
  EXPECT_THAT(first.body, HasSubstr("<CommonPrefixes><Prefix>p/a/</Prefix></CommonPrefixes>"));
  const Reply second = get("/file-exchange?list-type=2&prefix=p/&delimiter=/&max-keys=1&continuation-token=" +
                           uri_encode(first.element("NextContinuationToken")));
  EXPECT_THAT(second.body, HasSubstr("<CommonPrefixes><Prefix>p/b/</Prefix></CommonPrefixes>"));
}

TEST_F(ListingTest, OddKeysAreEscapedOrEncoded) {
  fill({"a b+c%&<\">", "line\nbreak", "漢😀"});
  const Reply plain = get("/file-exchange?list-type=2");
  EXPECT_THAT(plain.elements("Key"), ElementsAre("a b+c%&amp;&lt;&quot;&gt;", "line&#xa;break", "漢😀"));
  const Reply encoded = get("/file-exchange?list-type=2&encoding-type=url&prefix=a%20b%2B");
  EXPECT_THAT(encoded.elements("Key"), ElementsAre("a%20b%2Bc%25%26%3C%22%3E"));
  EXPECT_EQ(encoded.element("EncodingType"), "url");
  EXPECT_EQ(encoded.element("Prefix"), "a%20b%2B");
}

TEST_F(ListingTest, VersionsAreAllNull) {
  fill({"a", "b", "c"});
  const Reply first = get("/file-exchange?versions&max-keys=2");
  EXPECT_THAT(first.elements("Key"), ElementsAre("a", "b"));
  EXPECT_THAT(first.elements("VersionId"), ElementsAre("null", "null"));
  EXPECT_THAT(first.elements("IsLatest"), ElementsAre("true", "true"));
  EXPECT_EQ(first.element("NextKeyMarker"), "b");
  EXPECT_EQ(first.element("NextVersionIdMarker"), "null");
  const Reply second = get("/file-exchange?versions&key-marker=b&version-id-marker=null");
  EXPECT_THAT(second.elements("Key"), ElementsAre("c"));
}

TEST_F(ListingTest, ANameThatXmlCannotHoldIsSaidInTheEncodingOrNotAtAll) {
  for (const std::string name : {"%01", "a%1Fb", "%EF%BF%BE", "%EF%BF%BF", "a%0Cb"}) {
    ASSERT_EQ(put("/file-exchange/" + name, "x").outcome(), "200");
    for (const std::string list : {"?list-type=2", "?prefix=", "?versions"}) {
      const Reply bare = get("/file-exchange" + list);
      EXPECT_EQ(bare.outcome(), "400 InvalidArgument") << name << list;
      EXPECT_THAT(bare.body, testing::HasSubstr("encoding-type=url"));
      const Reply encoded = get("/file-exchange" + list + "&encoding-type=url");
      EXPECT_EQ(encoded.outcome(), "200") << name << list;
      EXPECT_EQ(encoded.element("Key"), name) << list;
    }
    EXPECT_EQ(get("/file-exchange/" + name).body, "x");
    ASSERT_EQ(send({.method = "DELETE", .target = "/file-exchange/" + name}).outcome(), "204");
  }
  // Those that XML knows need no encoding.
  put("/file-exchange/a%09b%0Ac%7F", "x");
  EXPECT_EQ(get("/file-exchange?list-type=2").element("Key"), "a&#x9;b&#xa;c&#x7f;");
}

}  // namespace
}  // namespace s3link::server
