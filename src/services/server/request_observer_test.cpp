#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

class RequestObserverTest : public ApiTest {
 protected:
  RequestObserverTest() : ApiTest() {}
};

TEST_F(RequestObserverTest, AnUploadIsToldWithItsNamesAndSizes) {
  put("/file-exchange/a%20b", "12345");
  ASSERT_EQ(records.all.size(), 1U);
  const RequestRecord& record = records.all.front();
  EXPECT_EQ(record.operation, "PutObject");
  EXPECT_EQ(record.bucket, kBucket);
  EXPECT_EQ(record.key, "a b");
  EXPECT_EQ(record.requester, credentials.access_key_id);
  EXPECT_FALSE(record.presigned);
  EXPECT_EQ(record.status, 200U);
  EXPECT_EQ(record.error_code, "");
  EXPECT_EQ(record.bytes_received, 5U);
  EXPECT_EQ(record.bytes_sent, 0U);
  EXPECT_EQ(record.object_size, 5U);
  EXPECT_TRUE(record.turn_around);
}

TEST_F(RequestObserverTest, ADownloadIsToldWithWhatWasSent) {
  put("/file-exchange/k", "12345");
  get("/file-exchange/k", {{"Range", "bytes=1-2"}});
  ASSERT_EQ(records.all.size(), 2U);
  EXPECT_EQ(records.all.back().operation, "GetObject");
  EXPECT_EQ(records.all.back().status, 206U);
  EXPECT_EQ(records.all.back().bytes_sent, 2U);
  EXPECT_EQ(records.all.back().object_size, 5U);
}

TEST_F(RequestObserverTest, ARefusedRequestIsToldWithItsErrorAndWithoutARequester) {
  send({.target = "/file-exchange/k", .signed_by = "another secret"});
  ASSERT_EQ(records.all.size(), 1U);
  EXPECT_EQ(records.all.front().status, 403U);
  EXPECT_EQ(records.all.front().error_code, "SignatureDoesNotMatch");
  EXPECT_EQ(records.all.front().requester, "");
  EXPECT_EQ(records.all.front().operation, "");
}

TEST_F(RequestObserverTest, AHeadSendsNothing) {
  put("/file-exchange/k", "12345");
  send({.method = "HEAD", .target = "/file-exchange/k"});
  EXPECT_EQ(records.all.back().operation, "HeadObject");
  EXPECT_EQ(records.all.back().bytes_sent, 0U);
  EXPECT_EQ(records.all.back().object_size, 5U);
}

TEST_F(RequestObserverTest, OurOwnPathsAreTold) {
  handle({"GET", "/_/healthz", {}, "192.0.2.7", false}, test_support::FakeRequestBody());
  ASSERT_EQ(records.all.size(), 1U);
  EXPECT_EQ(records.all.front().operation, "/_/healthz");
  EXPECT_EQ(records.all.front().status, 200U);
}

}  // namespace
}  // namespace s3link::server
