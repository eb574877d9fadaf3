#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/s3/checksum.hpp"
#include "core/s3/error_code.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string md5_base64(std::string_view text) { return base64_encode(md5(text)); }

class ObjectTest : public ApiTest {};

TEST_F(ObjectTest, PutStoresAndSaysSo) {
  const Reply reply =
      put("/file-exchange/a/report%20%2B.pdf", "hello",
          {{"Content-Type", "application/pdf"}, {"x-amz-meta-Colour", "blue"}, {"x-amz-acl", "private"}});
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_EQ(reply.field("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(reply.field("x-amz-server-side-encryption"), "AES256");
  EXPECT_EQ(reply.field("x-s3link-sequencer"), "0000000000000001");
  EXPECT_EQ(reply.field("x-amz-version-id"), "");
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(stored("a/report +.pdf"), "hello");
  const Reply back = get("/file-exchange/a/report%20%2B.pdf");
  EXPECT_EQ(back.outcome(), "200");
  EXPECT_EQ(back.body, "hello");
  EXPECT_EQ(back.field("Content-Type"), "application/pdf");
  EXPECT_EQ(back.field("x-amz-meta-colour"), "blue");
  EXPECT_EQ(back.field("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(back.field("Last-Modified"), "Fri, 02 Jan 2026 03:04:05 GMT");
  EXPECT_EQ(back.field("Accept-Ranges"), "bytes");
  EXPECT_EQ(back.field("x-amz-expiration"), "expiry-date=\"Sat, 03 Jan 2026 03:04:05 GMT\", rule-id=\"object-ttl\"");
}

TEST_F(ObjectTest, OnlyTheExchangeBucketHasEventsAndRemoval) {
  EXPECT_EQ(put("/file-exchange/a", "1").outcome(), "200");
  ASSERT_EQ(store.events.size(), 1U);
  EXPECT_EQ(store.events[0].origin.event_name, "ObjectCreated:Put");
  EXPECT_EQ(store.events[0].origin.region, "us-east-1");
  EXPECT_EQ(store.events[0].origin.source_ip, "192.0.2.7");
  EXPECT_EQ(store.events[0].origin.principal, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(store.events[0].object.removed_at, clock.now() + std::chrono::hours(24));
  EXPECT_EQ(put("/other", "").outcome(), "200");
  const Reply reply = put("/other/a", "1");
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_EQ(reply.field("x-amz-expiration"), "");
  EXPECT_EQ(store.events.size(), 1U);
  EXPECT_EQ(get("/other/a").field("x-amz-expiration"), "");
}

TEST_F(ObjectTest, IsGoneWhenItsTimeIsOver) {
  put("/file-exchange/a", "1");
  clock.advance(std::chrono::hours(24));
  EXPECT_EQ(get("/file-exchange/a").outcome(), "404 NoSuchKey");
}

TEST_F(ObjectTest, EmptyAndLargeBodiesComeBackWhole) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{256 * 1024},
                                 std::size_t{256 * 1024 + 1}, std::size_t{1000003}}) {
    std::string body(size, '\0');
    for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 7 + i / 256);
    EXPECT_EQ(put("/file-exchange/k", body).outcome(), "200");
    const Reply back = get("/file-exchange/k");
    EXPECT_EQ(back.outcome(), "200");
    EXPECT_EQ(back.length, size);
    EXPECT_EQ(back.body, body);
  }
}

TEST_F(ObjectTest, HeadHasTheFieldsAndNoBody) {
  put("/file-exchange/a", "hello");
  const Reply head = send({.method = "HEAD", .target = "/file-exchange/a"});
  EXPECT_EQ(head.status, 200U);
  EXPECT_EQ(head.length, 5U);
  EXPECT_EQ(head.field("Content-Type"), "binary/octet-stream");
  const Reply missing = send({.method = "HEAD", .target = "/file-exchange/b"});
  EXPECT_EQ(missing.status, 404U);
  EXPECT_EQ(missing.body, "");
}

TEST_F(ObjectTest, HeadersComeBackAsTheyWere) {
  put("/file-exchange/a", "x",
      {{"Cache-Control", "no-cache"},
       {"Content-Disposition", "inline"},
       {"Content-Encoding", "gzip"},
       {"Content-Language", "de"},
       {"Expires", "Thu, 01 Dec 2026 16:00:00 GMT"}});
  const Reply back = get("/file-exchange/a");
  EXPECT_EQ(back.field("Cache-Control"), "no-cache");
  EXPECT_EQ(back.field("Content-Disposition"), "inline");
  EXPECT_EQ(back.field("Content-Encoding"), "gzip");
  EXPECT_EQ(back.field("Content-Language"), "de");
  EXPECT_EQ(back.field("Expires"), "Thu, 01 Dec 2026 16:00:00 GMT");
}

TEST_F(ObjectTest, OverridesOfASignedRequest) {
  put("/file-exchange/a", "x", {{"Content-Type", "text/html"}});
  const Reply reply = send_presigned("GET", presigned("GET", "/file-exchange/a",
                                                      {{"response-content-disposition", "attachment; filename=\"a b\""},
                                                       {"response-content-type", "text/plain"}}));
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_EQ(reply.field("Content-Disposition"), "attachment; filename=\"a b\"");
  EXPECT_EQ(reply.field("Content-Type"), "text/plain");
}

struct RangeRow {
  std::string name, range;
  unsigned status;
  std::string body, content_range;
};
const std::vector<RangeRow> kRangeRows = {
    {"middle", "bytes=2-4", 206, "234", "bytes 2-4/10"}, {"suffix", "bytes=-2", 206, "89", "bytes 8-9/10"},
    {"open", "bytes=8-", 206, "89", "bytes 8-9/10"},     {"all", "bytes=0-", 206, "0123456789", "bytes 0-9/10"},
    {"several", "bytes=0-1,4-5", 200, "0123456789", ""}, {"not_a_range", "bytes=x", 200, "0123456789", ""},
};
class ObjectRangeTest : public ApiTest, public testing::WithParamInterface<RangeRow> {};
TEST_P(ObjectRangeTest, GivesThatPart) {
  put("/file-exchange/a", "0123456789");
  const Reply reply = get("/file-exchange/a", {{"Range", GetParam().range}});
  EXPECT_EQ(reply.status, GetParam().status);
  EXPECT_EQ(reply.body, GetParam().body);
  EXPECT_EQ(reply.field("Content-Range"), GetParam().content_range);
  EXPECT_EQ(reply.length, GetParam().body.size());
  const Reply head = send({.method = "HEAD", .target = "/file-exchange/a", .fields = {{"Range", GetParam().range}}});
  EXPECT_EQ(head.status, GetParam().status);
  EXPECT_EQ(head.length, GetParam().body.size());
}
INSTANTIATE_TEST_SUITE_P(Table, ObjectRangeTest, testing::ValuesIn(kRangeRows),
                         [](const auto& row) { return row.param.name; });

TEST_F(ObjectTest, UnsatisfiableRange) {
  put("/file-exchange/a", "0123456789");
  EXPECT_EQ(get("/file-exchange/a", {{"Range", "bytes=10-"}}).outcome(), "416 InvalidRange");
  put("/file-exchange/empty", "");
  EXPECT_EQ(get("/file-exchange/empty", {{"Range", "bytes=0-"}}).outcome(), "416 InvalidRange");
  EXPECT_EQ(get("/file-exchange/empty", {{"Range", "bytes=0-"}}).field("Content-Range"), "bytes */0");
  const std::string size = std::to_string(stored("a").size());
  EXPECT_EQ(get("/file-exchange/a", {{"Range", "bytes=10-"}}).field("Content-Range"), "bytes */" + size);
  const Reply head = send({.method = "HEAD", .target = "/file-exchange/a", .fields = {{"Range", "bytes=10-"}}});
  EXPECT_EQ(head.status, 416U);
  EXPECT_EQ(head.field("Content-Range"), "bytes */" + size);
  EXPECT_EQ(get("/file-exchange/a?partNumber=2").field("Content-Range"), "bytes */" + size);
}

TEST_F(ObjectTest, ConditionalReads) {
  put("/file-exchange/a", "hello");
  const std::string etag = "\"5d41402abc4b2a76b9719d911017c592\"";
  EXPECT_EQ(get("/file-exchange/a", {{"If-Match", etag}}).outcome(), "200");
  EXPECT_EQ(get("/file-exchange/a", {{"If-Match", "\"x\""}}).outcome(), "412 PreconditionFailed");
  const Reply same = get("/file-exchange/a", {{"If-None-Match", etag}});
  EXPECT_EQ(same.outcome(), "304");
  EXPECT_EQ(same.body, "");
  EXPECT_EQ(same.field("ETag"), etag);
  EXPECT_EQ(send({.method = "HEAD", .target = "/file-exchange/a", .fields = {{"If-None-Match", etag}}}).status, 304U);
}

TEST_F(ObjectTest, ConditionalWrites) {
  EXPECT_EQ(put("/file-exchange/a", "one", {{"If-None-Match", "*"}}).outcome(), "200");
  EXPECT_EQ(put("/file-exchange/a", "two", {{"If-None-Match", "*"}}).outcome(), "412 PreconditionFailed");
  EXPECT_EQ(put("/file-exchange/a", "two", {{"If-Match", "\"x\""}}).outcome(), "412 PreconditionFailed");
  EXPECT_EQ(stored("a"), "one");
  EXPECT_EQ(put("/file-exchange/a", "two", {{"If-Match", hex_encode(md5("one"))}}).outcome(), "200");
  EXPECT_EQ(put("/file-exchange/b", "two", {{"If-Match", "\"x\""}}).outcome(), "404 NoSuchKey");
  EXPECT_EQ(stored("a"), "two");
}

TEST_F(ObjectTest, DeleteIsSilentAboutWhatWasThere) {
  put("/file-exchange/a", "x");
  EXPECT_EQ(send({.method = "DELETE", .target = "/file-exchange/a"}).outcome(), "204");
  EXPECT_EQ(send({.method = "DELETE", .target = "/file-exchange/a"}).outcome(), "204");
  EXPECT_EQ(get("/file-exchange/a").outcome(), "404 NoSuchKey");
  EXPECT_EQ(send({.method = "DELETE", .target = "/missing/a"}).outcome(), "404 NoSuchBucket");
}

TEST_F(ObjectTest, MissingBucketIsToldBeforeTheBodyIsRead) {
  const Reply reply = put("/missing/a", "hello");
  EXPECT_EQ(reply.outcome(), "404 NoSuchBucket");
  EXPECT_FALSE(reply.body_was_read);
}

TEST_F(ObjectTest, ReadErrorsBeforeTheFirstByteAreAnswers) {
  put("/file-exchange/a", "hello");
  store.failures["read_at"].push_back({ErrorKind::corrupt, "package 0: tag", ""});
  const Reply reply = get("/file-exchange/a");
  EXPECT_EQ(reply.outcome(), "500 InternalError");
  EXPECT_THAT(reply.body, testing::Not(HasSubstr("package")));
}

TEST_F(ObjectTest, FullDiskIsAnAnswerAndLeavesNothing) {
  store.failures["write"].push_back({ErrorKind::transient, "no space left", "SlowDown"});
  const Reply reply = put("/file-exchange/a", "hello");
  EXPECT_EQ(reply.outcome(), "503 SlowDown");
  EXPECT_EQ(reply.field("Retry-After"), "1");
  EXPECT_EQ(stored("a"), "(none)");
  store.failures["put_object"].push_back({ErrorKind::internal, "SQLITE_IOERR", ""});
  EXPECT_EQ(put("/file-exchange/a", "hello").outcome(), "500 InternalError");
  EXPECT_EQ(stored("a"), "(none)");
}

TEST_F(ObjectTest, WritesAreRefusedUnreadWhenTheStoreTakesNone) {
  put("/file-exchange/a", "hello");
  store.unwritable = Error{ErrorKind::transient, "fsync failed", "ServiceUnavailable"};
  const Reply reply = put("/file-exchange/b", "hello");
  EXPECT_EQ(reply.outcome(), "503 ServiceUnavailable");
  EXPECT_FALSE(reply.body_was_read);
  EXPECT_EQ(get("/file-exchange/a").outcome(), "200");
}

TEST_F(ObjectTest, ChecksumsAreKeptAndEchoedOnDemand) {
  const std::string crc = "NhCmhg==";  // CRC-32 of "hello"
  const Reply reply =
      put("/file-exchange/a", "hello", {{"x-amz-checksum-crc32", crc}, {"x-amz-sdk-checksum-algorithm", "CRC32"}});
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_EQ(reply.field("x-amz-checksum-crc32"), crc);
  EXPECT_EQ(reply.field("x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_EQ(get("/file-exchange/a").field("x-amz-checksum-crc32"), "");
  EXPECT_EQ(get("/file-exchange/a", {{"x-amz-checksum-mode", "ENABLED"}}).field("x-amz-checksum-crc32"), crc);
  EXPECT_EQ(send({.method = "HEAD", .target = "/file-exchange/a", .fields = {{"x-amz-checksum-mode", "ENABLED"}}})
                .field("x-amz-checksum-crc32"),
            crc);
  // A checksum of the whole does not fit a part.
  EXPECT_EQ(get("/file-exchange/a", {{"x-amz-checksum-mode", "ENABLED"}, {"Range", "bytes=0-1"}})
                .field("x-amz-checksum-crc32"),
            "");
}

TEST_F(ObjectTest, AttributesAclAndTagging) {
  put("/file-exchange/a", "hello", {{"x-amz-checksum-crc32", "NhCmhg=="}});
  const Reply attributes =
      get("/file-exchange/a?attributes", {{"x-amz-object-attributes", "ETag,Checksum,ObjectSize,StorageClass"}});
  EXPECT_EQ(attributes.outcome(), "200");
  EXPECT_EQ(attributes.element("ETag"), "5d41402abc4b2a76b9719d911017c592");
  EXPECT_EQ(attributes.element("ChecksumCRC32"), "NhCmhg==");
  EXPECT_EQ(attributes.element("ObjectSize"), "5");
  EXPECT_EQ(attributes.element("StorageClass"), "STANDARD");
  EXPECT_EQ(get("/file-exchange/a?acl").element("Permission"), "FULL_CONTROL");
  EXPECT_THAT(get("/file-exchange/a?tagging").body, HasSubstr("<TagSet></TagSet>"));
  EXPECT_EQ(get("/file-exchange/b?tagging").outcome(), "404 NoSuchKey");
  EXPECT_EQ(send({.method = "PUT", .target = "/file-exchange/a?acl", .fields = {{"x-amz-acl", "private"}}}).outcome(),
            "200");
}

TEST_F(ObjectTest, DeleteObjectsTakesAThousandKeys) {
  std::string xml = "<Delete>";
  for (int i = 0; i < 1000; ++i) xml += "<Object><Key>k" + std::to_string(i) + "</Key></Object>";
  xml += "</Delete>";
  put("/file-exchange/k7", "x");
  const Reply reply = post("/file-exchange?delete", xml, {{"Content-MD5", md5_base64(xml)}});
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_EQ(reply.elements("Deleted").size(), 1000U);
  EXPECT_EQ(stored("k7"), "(none)");
}

TEST_F(ObjectTest, DeleteObjectsQuietAndErrors) {
  put("/file-exchange/a", "x");
  const std::string xml =
      "<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>b</Key><VersionId>v1</VersionId></Object>"
      "<Object><Key>" +
      std::string(1025, 'k') + "</Key></Object></Delete>";
  const Reply reply = post("/file-exchange/?delete=", xml);
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_TRUE(reply.elements("Deleted").empty());
  EXPECT_THAT(reply.elements("Code"), ElementsAre("NoSuchVersion", "KeyTooLongError"));
  EXPECT_EQ(stored("a"), "(none)");
}

TEST_F(ObjectTest, DeleteObjectsAcceptsEitherDigestAndNone) {
  const std::string xml = "<Delete><Object><Key>a</Key></Object></Delete>";
  s3::Checksum crc(s3::ChecksumAlgorithm::crc32);
  crc.update(as_bytes(xml));
  EXPECT_EQ(post("/file-exchange?delete", xml, {{"x-amz-checksum-crc32", base64_encode(crc.finish())}}).outcome(),
            "200");
  EXPECT_EQ(post("/file-exchange?delete", xml, {{"Content-MD5", md5_base64(xml)}}).outcome(), "200");
  EXPECT_EQ(post("/file-exchange?delete", xml).outcome(), "200");
  EXPECT_EQ(post("/file-exchange?delete", xml, {{"Content-MD5", md5_base64("other")}}).outcome(), "400 BadDigest");
  EXPECT_EQ(post("/file-exchange?delete", xml, {{"x-amz-checksum-crc32", "AAAAAA=="}}).outcome(), "400 BadDigest");
  EXPECT_EQ(post("/file-exchange?delete", "<Delete>").outcome(), "400 MalformedXML");
  EXPECT_EQ(post("/missing?delete", xml).outcome(), "404 NoSuchBucket");
}

TEST_F(ObjectTest, AQuotaRefusesBeforeTheBody) {
  store.failures["check_quota"] = {s3::make_error(s3::ErrorCode::quota_exceeded)};
  const Reply reply = put("/file-exchange/k", "12345");
  EXPECT_EQ(reply.outcome(), "403 QuotaExceeded");
  EXPECT_FALSE(reply.body_was_read);
  ASSERT_EQ(store.announced.size(), 1U);
  EXPECT_EQ(store.announced.front().key.text(), "k");
  EXPECT_EQ(store.announced.front().size_bytes, 5U);
  EXPECT_EQ(store.announced.front().upload_id, "");
}

}  // namespace
}  // namespace s3link::server
