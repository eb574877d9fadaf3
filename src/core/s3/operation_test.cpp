#include "core/s3/operation.hpp"

#include <gtest/gtest.h>

#include "core/sigv4/canonical_request.hpp"

namespace s3link::s3 {
namespace {

template <class... Ts>
std::string name_of_alternative(const std::variant<Ts...>& operation) {
  static const std::vector<std::string> kNames = {"ListBuckets",
                                                  "CreateBucket",
                                                  "DeleteBucket",
                                                  "HeadBucket",
                                                  "GetBucketLocation",
                                                  "GetBucketConfiguration",
                                                  "PutAcl",
                                                  "GetBucketLifecycleConfiguration",
                                                  "PutBucketLifecycleConfiguration",
                                                  "DeleteBucketLifecycle",
                                                  "ListObjects",
                                                  "ListObjectVersions",
                                                  "ListMultipartUploads",
                                                  "DeleteObjects",
                                                  "PutObject",
                                                  "GetObject",
                                                  "GetObjectAttributes",
                                                  "GetObjectAcl",
                                                  "GetObjectTagging",
                                                  "DeleteObject",
                                                  "CreateMultipartUpload",
                                                  "UploadPart",
                                                  "CompleteMultipartUpload",
                                                  "AbortMultipartUpload",
                                                  "ListParts"};
  static_assert(sizeof...(Ts) == 25);
  return kNames.at(operation.index());
}

Result<Operation> parse(std::string_view method, std::string_view target, const Fields& fields = {},
                        std::string_view domain = {}) {
  const auto parts = sigv4::parse_target(target);
  if (!parts) return std::unexpected(parts.error());
  return parse_operation({method, parts->path, parts->query, fields}, domain);
}

struct RouteCase {
  std::string name, method, target;
  Fields fields;
  std::string want;  ///< an operation, or an error code
};
const std::vector<RouteCase> kRouteCases = {
    {"list_buckets", "GET", "/", {}, "ListBuckets"},
    {"list_buckets_x_id", "GET", "/?x-id=ListBuckets", {}, "ListBuckets"},
    {"post_to_root", "POST", "/", {}, "MethodNotAllowed"},
    {"list_v1", "GET", "/bkt", {}, "ListObjects"},
    {"list_v1_slash", "GET", "/bkt/?delimiter=%2F", {}, "ListObjects"},
    {"list_v2", "GET", "/bkt?list-type=2&prefix=a", {}, "ListObjects"},
    {"list_v2_slash", "GET", "/bkt/?list-type=2", {}, "ListObjects"},
    {"list_v3", "GET", "/bkt?list-type=3", {}, "InvalidArgument"},
    {"head_bucket", "HEAD", "/bkt", {}, "HeadBucket"},
    {"create_bucket", "PUT", "/bkt", {}, "CreateBucket"},
    {"create_bucket_private", "PUT", "/bkt/", {{"x-amz-acl", "private"}}, "CreateBucket"},
    {"create_bucket_public", "PUT", "/bkt/", {{"x-amz-acl", "public-read"}}, "AccessControlListNotSupported"},
    {"create_bucket_lock", "PUT", "/bkt", {{"x-amz-bucket-object-lock-enabled", "true"}}, "NotImplemented"},
    {"delete_bucket", "DELETE", "/bkt", {}, "DeleteBucket"},
    {"location", "GET", "/bkt?location", {}, "GetBucketLocation"},
    {"location_equals", "GET", "/bkt/?location=", {}, "GetBucketLocation"},
    {"versioning", "GET", "/bkt?versioning", {}, "GetBucketConfiguration"},
    {"acl", "GET", "/bkt?acl", {}, "GetBucketConfiguration"},
    {"cors", "GET", "/bkt?cors", {}, "GetBucketConfiguration"},
    {"put_versioning", "PUT", "/bkt?versioning", {}, "NotImplemented"},
    {"put_policy", "PUT", "/bkt?policy", {}, "NotImplemented"},
    {"get_lifecycle", "GET", "/bkt?lifecycle", {}, "GetBucketLifecycleConfiguration"},
    {"put_lifecycle", "PUT", "/bkt?lifecycle", {}, "PutBucketLifecycleConfiguration"},
    {"delete_lifecycle", "DELETE", "/bkt?lifecycle", {}, "DeleteBucketLifecycle"},
    {"post_lifecycle", "POST", "/bkt?lifecycle", {}, "MethodNotAllowed"},
    {"get_inventory", "GET", "/bkt?inventory&id=1", {}, "NotImplemented"},
    {"put_acl_private", "PUT", "/bkt?acl", {{"x-amz-acl", "private"}}, "PutAcl"},
    {"put_acl_public", "PUT", "/bkt?acl", {{"x-amz-acl", "public-read"}}, "AccessControlListNotSupported"},
    {"put_acl_grant", "PUT", "/bkt?acl", {{"x-amz-grant-read", "id=1"}}, "AccessControlListNotSupported"},
    {"put_acl_body", "PUT", "/bkt?acl", {}, "AccessControlListNotSupported"},
    {"versions", "GET", "/bkt?versions&encoding-type=url", {}, "ListObjectVersions"},
    {"versions_marker_alone", "GET", "/bkt?versions&version-id-marker=null", {}, "InvalidArgument"},
    {"uploads", "GET", "/bkt?uploads", {}, "ListMultipartUploads"},
    {"delete_objects", "POST", "/bkt?delete", {}, "DeleteObjects"},
    {"delete_objects_equals", "POST", "/bkt/?delete=&x-id=DeleteObjects", {}, "DeleteObjects"},
    {"delete_objects_by_get", "GET", "/bkt?delete", {}, "MethodNotAllowed"},
    {"conflicting", "GET", "/bkt?acl&cors", {}, "InvalidArgument"},
    {"post_form", "POST", "/bkt", {{"Content-Type", "multipart/form-data; boundary=x"}}, "NotImplemented"},
    {"options_bucket", "OPTIONS", "/bkt", {}, "MethodNotAllowed"},
    {"patch", "PATCH", "/bkt/key", {}, "MethodNotAllowed"},
    {"bad_bucket", "GET", "/Bkt_", {}, "InvalidBucketName"},
    {"bad_bucket_key", "PUT", "/a..b/key", {}, "InvalidBucketName"},
    {"double_slash_is_no_bucket", "GET", "//bkt", {}, "InvalidBucketName"},
    {"put_object", "PUT", "/bkt/a%20b?x-id=PutObject", {}, "PutObject"},
    {"put_object_copy", "PUT", "/bkt/key", {{"x-amz-copy-source", "/other/key"}}, "NotImplemented"},
    {"put_part_copy", "PUT", "/bkt/key?uploadId=u&partNumber=1", {{"X-Amz-Copy-Source", "/o/k"}}, "NotImplemented"},
    {"put_tagging", "PUT", "/bkt/key?tagging", {}, "NotImplemented"},
    {"put_retention", "PUT", "/bkt/key?retention", {}, "NotImplemented"},
    {"put_rename", "PUT", "/bkt/key?renameObject", {}, "NotImplemented"},
    {"put_part_without_upload", "PUT", "/bkt/key?partNumber=1", {}, "InvalidArgument"},
    {"get_object", "GET", "/bkt/key", {}, "GetObject"},
    {"get_object_null_version", "GET", "/bkt/key?versionId=null", {}, "GetObject"},
    {"get_object_version", "GET", "/bkt/key?versionId=3HL4kqtJlcpXroDTDmjVBH40Nrjfkd", {}, "InvalidArgument"},
    {"get_object_empty_version", "GET", "/bkt/key?versionId=", {}, "InvalidArgument"},
    {"get_object_sse_c",
     "GET",
     "/bkt/key",
     {{"x-amz-server-side-encryption-customer-algorithm", "AES256"}},
     "NotImplemented"},
    {"head_object", "HEAD", "/bkt/key", {}, "GetObject"},
    {"part_and_range", "GET", "/bkt/key?partNumber=1", {{"Range", "bytes=0-1"}}, "InvalidRequest"},
    {"part_zero", "GET", "/bkt/key?partNumber=0", {}, "InvalidArgument"},
    {"override_with_line_break", "GET", "/bkt/key?response-content-type=a%0D%0Ab", {}, "InvalidArgument"},
    {"override_with_nul", "GET", "/bkt/key?response-content-disposition=a%00", {}, "InvalidArgument"},
    {"attributes", "GET", "/bkt/key?attributes", {{"x-amz-object-attributes", "ETag,Checksum"}}, "GetObjectAttributes"},
    {"attributes_unknown", "GET", "/bkt/key?attributes", {{"x-amz-object-attributes", "Colour"}}, "InvalidArgument"},
    {"attributes_none", "GET", "/bkt/key?attributes", {}, "InvalidArgument"},
    {"object_acl", "GET", "/bkt/key?acl", {}, "GetObjectAcl"},
    {"object_tagging", "GET", "/bkt/key?tagging", {}, "GetObjectTagging"},
    {"object_torrent", "GET", "/bkt/key?torrent", {}, "NotImplemented"},
    {"delete_object", "DELETE", "/bkt/key", {}, "DeleteObject"},
    {"delete_object_if_match", "DELETE", "/bkt/key", {{"If-Match", "\"a\""}}, "NotImplemented"},
    {"post_to_object", "POST", "/bkt/key", {}, "MethodNotAllowed"},
    {"select", "POST", "/bkt/key?select&select-type=2", {}, "NotImplemented"},
    {"create_upload", "POST", "/bkt/key?uploads", {}, "CreateMultipartUpload"},
    {"create_upload_equals", "POST", "/bkt/key?uploads=", {}, "CreateMultipartUpload"},
    {"upload_part", "PUT", "/bkt/key?partNumber=10000&uploadId=u", {}, "UploadPart"},
    {"upload_part_zero", "PUT", "/bkt/key?partNumber=0&uploadId=u", {}, "InvalidArgument"},
    {"upload_part_over", "PUT", "/bkt/key?partNumber=10001&uploadId=u", {}, "InvalidArgument"},
    {"upload_part_no_number", "PUT", "/bkt/key?uploadId=u", {}, "InvalidArgument"},
    {"upload_part_empty_id", "PUT", "/bkt/key?partNumber=1&uploadId=", {}, "NoSuchUpload"},
    {"complete", "POST", "/bkt/key?uploadId=u", {}, "CompleteMultipartUpload"},
    {"abort", "DELETE", "/bkt/key?uploadId=u", {}, "AbortMultipartUpload"},
    {"list_parts", "GET", "/bkt/key?uploadId=u", {}, "ListParts"},
    {"key_too_long", "PUT", "/bkt/" + std::string(1025, 'k'), {}, "KeyTooLongError"},
    {"key_longest", "PUT", "/bkt/" + std::string(1024, 'k'), {}, "PutObject"},
    {"key_not_utf8", "PUT", "/bkt/%FF", {}, "InvalidURI"},
    {"key_broken_escape", "PUT", "/bkt/%F", {}, "InvalidURI"},
    {"other_owner", "GET", "/bkt/key", {{"x-amz-expected-bucket-owner", "111122223333"}}, "AccessDenied"},
    {"our_owner", "GET", "/bkt/key", {{"x-amz-expected-bucket-owner", "s3link"}}, "GetObject"},
};
class RouteTest : public testing::TestWithParam<RouteCase> {};
TEST_P(RouteTest, FindsTheOperation) {
  const auto got = parse(GetParam().method, GetParam().target, GetParam().fields);
  EXPECT_EQ(got ? name_of_alternative(*got) : got.error().code, GetParam().want);
}
INSTANTIATE_TEST_SUITE_P(Table, RouteTest, testing::ValuesIn(kRouteCases),
                         [](const auto& row) { return row.param.name; });

struct KeyCase {
  std::string name, target, bucket, key;
};
/// Keys are names, decoded once: nothing in them is a path, an escape of an escape, or another bucket.
const std::vector<KeyCase> kKeyCases = {
    {"plain", "/bkt/a/b.txt", "bkt", "a/b.txt"},
    {"space_and_plus", "/bkt/a%20b+c", "bkt", "a b+c"},
    {"double_encoded", "/bkt/a%2520b", "bkt", "a%20b"},
    {"dots", "/bkt/../other/key", "bkt", "../other/key"},
    {"encoded_dots", "/bkt/%2e%2e/other", "bkt", "../other"},
    {"backslash", "/bkt/..%5Cother", "bkt", "..\\other"},
    {"nul", "/bkt/a%00b", "bkt", std::string("a\0b", 3)},
    {"leading_slash", "/bkt//a", "bkt", "/a"},
    {"slashes_stay", "/bkt/a//b/", "bkt", "a//b/"},
    {"encoded_slash", "/bkt/a%2F%2Fb", "bkt", "a//b"},
    {"question_mark", "/bkt/a%3Fb?x-id=PutObject", "bkt", "a?b"},
    {"emoji", "/bkt/%F0%9F%98%80", "bkt", "😀"},
};
class KeyTest : public testing::TestWithParam<KeyCase> {};
TEST_P(KeyTest, IsDecodedOnce) {
  const auto got = parse("PUT", GetParam().target);
  ASSERT_TRUE(got);
  const auto& put = std::get<PutObject>(*got);
  EXPECT_EQ(put.bucket.text(), GetParam().bucket);
  EXPECT_EQ(put.key.text(), GetParam().key);
}
INSTANTIATE_TEST_SUITE_P(Table, KeyTest, testing::ValuesIn(kKeyCases), [](const auto& row) { return row.param.name; });

TEST(VirtualHost, NamesTheBucketInTheHost) {
  const auto key_of = [](std::string host, std::string_view target) {
    const auto got = parse("GET", target, {{"Host", std::move(host)}}, "s3.example.org");
    if (!got) return got.error().code;
    if (const auto* const get = std::get_if<GetObject>(&*got)) return get->bucket.text() + " " + get->key.text();
    return name_of_alternative(*got);
  };
  EXPECT_EQ(key_of("bkt.s3.example.org", "/a/b"), "bkt a/b");
  EXPECT_EQ(key_of("BKT.S3.example.org:9000", "/a/b"), "bkt a/b");
  EXPECT_EQ(key_of("my.bkt.s3.example.org", "/a"), "my.bkt a");
  EXPECT_EQ(key_of("bkt.s3.example.org", "/"), "ListObjects");
  EXPECT_EQ(key_of("bkt.s3.example.org", "//a"), "bkt /a");
  EXPECT_EQ(key_of("s3.example.org", "/bkt/a"), "bkt a");
  EXPECT_EQ(key_of("127.0.0.1:9000", "/bkt/a"), "bkt a");
  EXPECT_EQ(key_of("bkt.other.org", "/bkt/a"), "bkt a");
  EXPECT_EQ(key_of("b_t.s3.example.org", "/a"), "InvalidBucketName");
}

TEST(NotImplemented, NamesTheOperation) {
  EXPECT_TRUE(parse("PUT", "/bkt?policy").error().message.starts_with("PutBucketPolicy "));
  EXPECT_TRUE(parse("DELETE", "/bkt/key?tagging").error().message.starts_with("DeleteObjectTagging "));
  EXPECT_TRUE(parse("PUT", "/bkt/k", {{"x-amz-copy-source", "/a/b"}}).error().message.starts_with("CopyObject "));
}

TEST(ParseListObjects, TakesAllParameters) {
  const auto got = parse("GET",
                         "/bkt?list-type=2&prefix=a+b&delimiter=%2F%2F&max-keys=5000&encoding-type=url"
                         "&start-after=k&fetch-owner=true&continuation-token=" +
                             uri_encode(encode_continuation("k2")));
  ASSERT_TRUE(got);
  const auto& list = std::get<ListObjects>(*got);
  EXPECT_EQ(list.version, 2);
  EXPECT_EQ(list.page.prefix, "a b");
  EXPECT_EQ(list.page.delimiter, "//");
  EXPECT_EQ(list.page.max_entries, 1000U);
  EXPECT_TRUE(list.page.encode_url);
  EXPECT_EQ(list.start_after, "k");
  EXPECT_EQ(list.from, "k2");
  EXPECT_TRUE(list.fetch_owner);
}

TEST(ParseListObjects, RefusesWrongOnes) {
  for (const std::string query : {"max-keys=-1", "max-keys=x", "max-keys=2147483648", "encoding-type=base64",
                                  "prefix=%FF", "list-type=2&continuation-token=abc"}) {
    EXPECT_EQ(parse("GET", "/bkt?" + query).error().code, "InvalidArgument") << query;
  }
  EXPECT_EQ(std::get<ListObjects>(*parse("GET", "/bkt?max-keys=0")).page.max_entries, 0U);
  EXPECT_EQ(std::get<ListObjects>(*parse("GET", "/bkt?max-keys=&delimiter=&prefix=")).page.max_entries, 1000U);
}

TEST(ParseGetObject, TakesOverridesRangeAndMode) {
  const auto got = parse("GET", "/bkt/key?response-content-disposition=attachment%3B%20filename%3D%22a.txt%22",
                         {{"range", "bytes=1-2"}, {"X-Amz-Checksum-Mode", "enabled"}});
  ASSERT_TRUE(got);
  const auto& get = std::get<GetObject>(*got);
  EXPECT_EQ(get.overrides, (Fields{{"Content-Disposition", "attachment; filename=\"a.txt\""}}));
  EXPECT_TRUE(get.range);
  EXPECT_TRUE(get.checksum_mode);
  EXPECT_FALSE(get.head);
}

}  // namespace
}  // namespace s3link::s3
