#include <stdexcept>

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

TEST_F(RequestObserverTest, WhatFailedHereIsToldAndTheClientIsNotTold) {
  deliveries.failures.push_back({ErrorKind::internal, "SQLITE_IOERR", ""});
  const Reply reply = get("/_/api/v1/deliveries");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_EQ(reply.body.find("SQLITE"), std::string::npos);
  ASSERT_EQ(records.all.size(), 1U);
  EXPECT_EQ(records.all.front().failure, "SQLITE_IOERR");
  EXPECT_EQ(records.all.front().error_code, "InternalError");
}

TEST_F(RequestObserverTest, ARefusalIsNoFailure) {
  get("/file-exchange/none");
  ASSERT_EQ(records.all.size(), 1U);
  EXPECT_EQ(records.all.front().status, 404U);
  EXPECT_EQ(records.all.front().failure, "");
}

Awaitable<Status> throw_something() {
  throw std::runtime_error("a bug");
  co_return Status{};
}

TEST_F(RequestObserverTest, WhatIsThrownIsAnsweredWithTheRequestsIdAndTold) {
  S3Api broken({.exchange_bucket = *s3::BucketName::parse(kBucket), .domain = {}}, keys, store, deliveries,
               dead_letters, redrive, clock, random, {&records}, {}, {{"broken", throw_something}});
  const Reply reply =
      handle_by(broken, {"GET", "/_/readyz", {{"Host", "s3.test:9000"}}, "", false}, test_support::FakeRequestBody());
  EXPECT_EQ(reply.outcome(), "500 InternalError");
  ASSERT_EQ(records.all.size(), 1U);
  EXPECT_EQ(records.all.front().failure, "unexpected: a bug");
  EXPECT_EQ(records.all.front().request_id, reply.field("x-amz-request-id"));
}

}  // namespace
}  // namespace s3link::server
