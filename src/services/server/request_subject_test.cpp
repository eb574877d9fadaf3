#include "services/server/request_subject.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::server {
namespace {

struct SubjectCase {
  std::string name, method, target, operation, bucket, key;
  ports::HttpFields fields = {};
};
const std::vector<SubjectCase> kRefused = {
    {"get", "GET", "/b-1/a%20b?X-Amz-Signature=0", "GetObject", "b-1", "a b"},
    {"head", "HEAD", "/b-1/k", "HeadObject", "b-1", "k"},
    {"put", "PUT", "/b-1/d/k", "PutObject", "b-1", "d/k"},
    {"part", "PUT", "/b-1/k?partNumber=1&uploadId=x", "UploadPart", "b-1", "k"},
    {"list", "GET", "/b-1?list-type=2", "ListObjectsV2", "b-1", ""},
    {"list_with_slash", "GET", "/b-1/", "ListObjects", "b-1", ""},
    {"delete_bucket", "DELETE", "/b-1", "DeleteBucket", "b-1", ""},
    {"buckets", "GET", "/", "ListBuckets", "", ""},
    {"virtual_host", "GET", "/k", "GetObject", "b-1", "k", {{"Host", "b-1.s3.test:9000"}}},
    {"key_below_ours", "GET", "/_/k", "GetObject", "b-1", "_/k", {{"Host", "b-1.s3.test"}}},
    {"acl", "PUT", "/b-1/k?acl", "PutObjectAcl", "b-1", "k", {{"x-amz-acl", "private"}}},
    // Not performed, or with a mistake: as S3's access logs call it.
    {"copy", "PUT", "/b-1/k", "REST.PUT.OBJECT", "b-1", "k", {{"x-amz-copy-source", "/b-1/a"}}},
    {"policy", "PUT", "/b-1?policy", "REST.PUT.BUCKETPOLICY", "b-1", ""},
    {"bad_bucket", "GET", "/B/k", "REST.GET.OBJECT", "B", "k"},
    {"bad_range_of_parts", "PUT", "/b-1/k?partNumber=0&uploadId=x", "REST.PUT.PART", "b-1", "k"},
    {"broken_escape", "GET", "/b-1/%zz", "REST.GET.OBJECT", "b-1", "%zz"},
    // Ours.
    {"ours", "GET", "/_/nothing", "", "", ""},
};
class RefusedSubjectTest : public testing::TestWithParam<SubjectCase> {};
TEST_P(RefusedSubjectTest, IsWhatTheHeadAsksFor) {
  const SubjectCase& row = GetParam();
  const ports::HttpRequestHead head{row.method, row.target, row.fields, "192.0.2.7", false};
  const RequestSubject subject = subject_of(head, {}, "s3.test");
  EXPECT_EQ(subject.operation, row.operation);
  EXPECT_EQ(subject.bucket, row.bucket);
  EXPECT_EQ(subject.key, row.key);
}
INSTANTIATE_TEST_SUITE_P(Table, RefusedSubjectTest, testing::ValuesIn(kRefused),
                         [](const auto& row) { return row.param.name; });

TEST(RequestSubject, TheRecordIsBelieved) {
  RequestRecord record;
  record.operation = "ListBuckets";
  EXPECT_EQ(subject_of({"GET", "/other", {}, "", false}, record, {}).bucket, "");
  record.operation = "GetObject";
  record.bucket = "b-1";
  record.key = "k";
  const RequestSubject subject = subject_of({"GET", "/other/x", {}, "", false}, record, {});
  EXPECT_EQ(subject.operation, "GetObject");
  EXPECT_EQ(subject.bucket, "b-1");
  EXPECT_EQ(subject.key, "k");
}

TEST(RequestSubject, NamesAreShownWithoutSignaturesAndNotEndless) {
  EXPECT_EQ(shown_name("a b"), "a b");
  EXPECT_EQ(shown_name(std::string(5000, 'x')).size(), 1024U);
  EXPECT_FALSE(shown_name("k?X-Amz-Signature=" + std::string(64, 'a')).contains("aaaa"));
}

}  // namespace
}  // namespace s3link::server
