#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class BucketTest : public ApiTest {};

TEST_F(BucketTest, CreateListDelete) {
  const Reply created = put("/my-bucket", "");
  EXPECT_EQ(created.outcome(), "200");
  EXPECT_EQ(created.field("Location"), "/my-bucket");
  const Reply list = get("/");
  EXPECT_THAT(list.elements("Name"), ElementsAre("file-exchange", "my-bucket"));
  EXPECT_EQ(list.element("CreationDate"), "2026-01-02T03:04:05.000Z");
  EXPECT_EQ(send({.method = "DELETE", .target = "/my-bucket"}).outcome(), "204");
  EXPECT_EQ(send({.method = "DELETE", .target = "/my-bucket"}).outcome(), "404 NoSuchBucket");
}

TEST_F(BucketTest, ListsInPages) {
  put("/aaa", "");
  put("/bbb", "");
  const Reply first = get("/?max-buckets=2");
  EXPECT_THAT(first.elements("Name"), ElementsAre("aaa", "bbb"));
  const Reply second = get("/?max-buckets=2&continuation-token=" + first.element("ContinuationToken"));
  EXPECT_THAT(second.elements("Name"), ElementsAre("file-exchange"));
  EXPECT_EQ(second.element("ContinuationToken"), "");
  EXPECT_THAT(get("/?prefix=b").elements("Name"), ElementsAre("bbb"));
}

TEST_F(BucketTest, CreatingAgainIsNoErrorInUsEast1) {
  put("/my-bucket", "");
  put("/my-bucket/a", "x");
  EXPECT_EQ(put("/my-bucket", "").outcome(), "200");
  EXPECT_EQ(stored("a", "my-bucket"), "x");
}

TEST_F(BucketTest, LocationConstraint) {
  const auto xml = [](const std::string& where) {
    return "<CreateBucketConfiguration><LocationConstraint>" + where +
           "</LocationConstraint></CreateBucketConfiguration>";
  };
  EXPECT_EQ(put("/my-bucket", xml("us-east-1")).outcome(), "200");
  EXPECT_EQ(put("/my-bucket2", xml("mars-1")).outcome(), "400 IllegalLocationConstraintException");
  EXPECT_EQ(put("/my-bucket2", "<a>").outcome(), "400 MalformedXML");
}

TEST_F(BucketTest, TheExchangeBucketStays) {
  const Reply reply = send({.method = "DELETE", .target = "/file-exchange"});
  EXPECT_EQ(reply.outcome(), "403 AccessDenied");
  EXPECT_EQ(get("/file-exchange").outcome(), "200");
}

TEST_F(BucketTest, NotEmptyStays) {
  put("/my-bucket", "");
  put("/my-bucket/a", "x");
  EXPECT_EQ(send({.method = "DELETE", .target = "/my-bucket"}).outcome(), "409 BucketNotEmpty");
}

TEST_F(BucketTest, HeadTellsTheRegion) {
  const Reply head = send({.method = "HEAD", .target = "/file-exchange"});
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.field("x-amz-bucket-region"), "us-east-1");
  const Reply missing = send({.method = "HEAD", .target = "/missing"});
  EXPECT_EQ(missing.status, 404U);
  EXPECT_EQ(missing.body, "");
}

struct ConfigurationRow {
  std::string name, query, outcome, text;
};
const std::vector<ConfigurationRow> kConfigurations = {
    {"location", "location", "200", "<LocationConstraint xmlns="},
    {"versioning", "versioning", "200", "</VersioningConfiguration>"},
    {"acl", "acl", "200", "<Permission>FULL_CONTROL</Permission>"},
    {"encryption", "encryption", "200", "<SSEAlgorithm>AES256</SSEAlgorithm>"},
    {"public_access", "publicAccessBlock", "200", "<BlockPublicPolicy>true</BlockPublicPolicy>"},
    {"ownership", "ownershipControls", "200", "BucketOwnerEnforced"},
    {"payment", "requestPayment", "200", "<Payer>BucketOwner</Payer>"},
    {"logging", "logging", "200", "BucketLoggingStatus"},
    {"notification", "notification", "200", "NotificationConfiguration"},
    {"accelerate", "accelerate", "200", "AccelerateConfiguration"},
    {"cors", "cors", "404 NoSuchCORSConfiguration", ""},
    {"policy", "policy", "404 NoSuchBucketPolicy", ""},
    {"tagging", "tagging", "404 NoSuchTagSet", ""},
    {"lifecycle", "lifecycle", "404 NoSuchLifecycleConfiguration", ""},
    {"website", "website", "404 NoSuchWebsiteConfiguration", ""},
    {"replication", "replication", "404 ReplicationConfigurationNotFoundError", ""},
    {"lock", "object-lock", "404 ObjectLockConfigurationNotFoundError", ""},
    {"inventory", "inventory", "501 NotImplemented", "GetBucketInventoryConfiguration"},
};
class ConfigurationTest : public ApiTest, public testing::WithParamInterface<ConfigurationRow> {};
TEST_P(ConfigurationTest, IsAnsweredAsItIs) {
  const Reply reply = get("/file-exchange?" + GetParam().query);
  EXPECT_EQ(reply.outcome(), GetParam().outcome);
  EXPECT_THAT(reply.body, HasSubstr(GetParam().text));
  if (GetParam().query != "inventory") {
    EXPECT_EQ(get("/missing?" + GetParam().query).outcome(), "404 NoSuchBucket");
  }
}
INSTANTIATE_TEST_SUITE_P(Table, ConfigurationTest, testing::ValuesIn(kConfigurations),
                         [](const auto& row) { return row.param.name; });

TEST_F(BucketTest, AclOfABucketIsPrivateAlready) {
  EXPECT_EQ(put("/file-exchange?acl", "", {{"x-amz-acl", "private"}}).outcome(), "200");
  EXPECT_EQ(put("/file-exchange?acl", "", {{"x-amz-acl", "public-read"}}).outcome(),
            "400 AccessControlListNotSupported");
  EXPECT_EQ(put("/missing?acl", "", {{"x-amz-acl", "private"}}).outcome(), "404 NoSuchBucket");
}

TEST_F(BucketTest, ErrorsAreDocuments) {
  const Reply reply = get("/missing?location");
  EXPECT_EQ(reply.field("Content-Type"), "application/xml");
  EXPECT_EQ(reply.element("RequestId"), reply.field("x-amz-request-id"));
  EXPECT_EQ(reply.element("HostId"), reply.field("x-amz-id-2"));
  EXPECT_EQ(reply.element("Resource"), "/missing");
}

class DomainTest : public ApiTest {
 protected:
  DomainTest() : ApiTest("s3.test") {}
};

TEST_F(DomainTest, HostNamesTheBucket) {
  EXPECT_EQ(send({.method = "PUT", .target = "/a/b", .body = "x", .host = "file-exchange.s3.test:9000"}).outcome(),
            "200");
  EXPECT_EQ(stored("a/b"), "x");
  EXPECT_EQ(send({.target = "/?list-type=2", .host = "file-exchange.s3.test"}).element("Key"), "a/b");
  EXPECT_EQ(get("/file-exchange/a/b").outcome(), "200");
  // "/_/" is a key where the host says so.
  EXPECT_EQ(send({.method = "PUT", .target = "/_/healthz", .body = "x", .host = "file-exchange.s3.test"}).outcome(),
            "200");
  EXPECT_EQ(stored("_/healthz"), "x");
}

class OtherRegionTest : public ApiTest {
 protected:
  OtherRegionTest() : ApiTest("", "eu-central-1") {}
};

TEST_F(OtherRegionTest, WrongRegionIsToldTheRightOne) {
  const Reply reply = get("/");
  EXPECT_EQ(reply.outcome(), "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(reply.element("Region"), "eu-central-1");
}

class WrongRegionTest : public ApiTest {
 protected:
  WrongRegionTest() : ApiTest({}, "eu-central-1") {}  // its requests are signed for us-east-1
};

/// rclone, restic and minio-go look at a HEAD first, whose answer has no body to say it in.
TEST_F(WrongRegionTest, EveryAnswerNamesTheRightOne) {
  for (const std::string method : {"GET", "HEAD", "PUT", "DELETE"}) {
    for (const std::string target : {"/", "/file-exchange", "/file-exchange/k", "/missing/k"}) {
      const Reply reply = send({.method = method, .target = target});
      EXPECT_EQ(reply.status, 400U) << method << target;
      EXPECT_EQ(reply.field("x-amz-bucket-region"), "eu-central-1") << method << target;
      if (method != "HEAD") EXPECT_EQ(reply.element("Region"), "eu-central-1") << method << target;
      const Reply link = send_presigned(method, presigned(method, target));
      EXPECT_EQ(link.status, 400U) << method << target;
      EXPECT_EQ(link.field("x-amz-bucket-region"), "eu-central-1") << method << target;
      if (method != "HEAD") EXPECT_EQ(link.element("Region"), "eu-central-1") << method << target;
    }
  }
}

}  // namespace
}  // namespace s3link::server
