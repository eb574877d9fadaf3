// The bucket that receives the access logs is only read over S3.
#include <set>

#include "core/s3/operation_name.hpp"
#include "services/server/api_fixture.hpp"
#include "support/bucket_store_calls.hpp"
#include "support/run_sync.hpp"

namespace s3link::server {
namespace {

using testing::HasSubstr;

struct OperationRow {
  std::string name;  ///< S3's
  std::string method, target;
  bool reads;
  std::string body = {};
  ports::HttpFields fields = {};
};

const std::vector<OperationRow> kOperations = {
    {"AbortMultipartUpload", "DELETE", "/access-logs/k?uploadId=1", false},
    {"CompleteMultipartUpload", "POST", "/access-logs/k?uploadId=1", false, "<CompleteMultipartUpload/>"},
    {"CreateBucket", "PUT", "/access-logs", false},
    {"CreateMultipartUpload", "POST", "/access-logs/k?uploads", false},
    {"DeleteBucket", "DELETE", "/access-logs", false},
    {"DeleteBucketLifecycle", "DELETE", "/access-logs?lifecycle", false},
    {"DeleteObject", "DELETE", "/access-logs/log", false},
    {"DeleteObjects", "POST", "/access-logs?delete", false, "<Delete><Object><Key>log</Key></Object></Delete>"},
    {"GetBucketConfiguration", "GET", "/access-logs?acl", true},
    {"GetBucketLifecycleConfiguration", "GET", "/access-logs?lifecycle", true},
    {"GetBucketLocation", "GET", "/access-logs?location", true},
    {"GetObject", "GET", "/access-logs/log", true},
    {"GetObjectAcl", "GET", "/access-logs/log?acl", true},
    {"GetObjectAttributes", "GET", "/access-logs/log?attributes", true, "", {{"x-amz-object-attributes", "ETag"}}},
    {"GetObjectTagging", "GET", "/access-logs/log?tagging", true},
    {"HeadBucket", "HEAD", "/access-logs", true},
    {"HeadObject", "HEAD", "/access-logs/log", true},
    {"ListBuckets", "GET", "/", true},
    {"ListMultipartUploads", "GET", "/access-logs?uploads", true},
    {"ListObjectVersions", "GET", "/access-logs?versions", true},
    {"ListObjects", "GET", "/access-logs", true},
    {"ListObjectsV2", "GET", "/access-logs?list-type=2", true},
    {"ListParts", "GET", "/access-logs/k?uploadId=1", true},
    {"PutBucketAcl", "PUT", "/access-logs?acl", false, "", {{"x-amz-acl", "private"}}},
    {"PutBucketLifecycleConfiguration", "PUT", "/access-logs?lifecycle", false, "<LifecycleConfiguration/>"},
    {"PutObject", "PUT", "/access-logs/log", false, "forged"},
    {"PutObjectAcl", "PUT", "/access-logs/log?acl", false, "", {{"x-amz-acl", "private"}}},
    {"UploadPart", "PUT", "/access-logs/k?partNumber=1&uploadId=1", false, "part"},
};

class LogsBucketTest : public ApiTest, public testing::WithParamInterface<OperationRow> {
 protected:
  LogsBucketTest() {
    const auto bucket = *s3::BucketName::parse("access-logs");
    EXPECT_TRUE(test_support::run_sync(store.create_bucket(bucket, clock.now())));
    EXPECT_TRUE(test_support::run_sync(
        test_support::put(store, test_support::put_request("log", "access-logs"), std::string("line\n"))));
  }
};

TEST_P(LogsBucketTest, IsReadAndNeverWritten) {
  const OperationRow& row = GetParam();
  const Reply reply = send({.method = row.method, .target = row.target, .fields = row.fields, .body = row.body});
  EXPECT_EQ(records.all.back().operation, row.name);
  if (row.reads) {
    EXPECT_NE(reply.status, 403U);
    EXPECT_LT(reply.status, 500U);
  } else {
    EXPECT_EQ(reply.outcome(), "403 AccessDenied");
    EXPECT_THAT(reply.element("Message"), HasSubstr("access logs and can only be read"));
    EXPECT_FALSE(reply.body_was_read);
  }
  EXPECT_EQ(stored("log", "access-logs"), "line\n");
}
INSTANTIATE_TEST_SUITE_P(Table, LogsBucketTest, testing::ValuesIn(kOperations),
                         [](const auto& row) { return row.param.name; });

TEST(LogsBucketOperations, AreAllInTheTable) {
  std::set<std::string_view> rows;
  for (const OperationRow& row : kOperations) rows.insert(row.name);
  const auto names = s3::operation_names();
  EXPECT_EQ(rows, std::set<std::string_view>(names.begin(), names.end()));
}

}  // namespace
}  // namespace s3link::server
