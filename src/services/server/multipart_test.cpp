#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/s3/checksum.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string checksum_of(s3::ChecksumAlgorithm algorithm, std::string_view text) {
  s3::Checksum checksum(algorithm);
  checksum.update(as_bytes(text));
  return checksum.finish();
}

class MultipartTest : public ApiTest {
 protected:
  MultipartTest() { store.min_part_bytes = 4; }

  std::string begin(ports::HttpFields fields = {}, std::string key = "k") {
    const Reply reply = post("/file-exchange/" + key + "?uploads", "", std::move(fields));
    EXPECT_EQ(reply.outcome(), "200") << reply.body;
    return reply.element("UploadId");
  }
  Reply part(const std::string& id, unsigned number, std::string body, ports::HttpFields fields = {}) {
    return put("/file-exchange/k?partNumber=" + std::to_string(number) + "&uploadId=" + id, std::move(body),
               std::move(fields));
  }
  /// Names the parts by the ETags of these bodies.
  static std::string document(const std::vector<std::pair<unsigned, std::string>>& parts) {
    std::string xml = "<CompleteMultipartUpload>";
    for (const auto& [number, body] : parts) {
      xml += "<Part><PartNumber>" + std::to_string(number) + "</PartNumber><ETag>\"" + hex_encode(md5(body)) +
             "\"</ETag></Part>";
    }
    return xml + "</CompleteMultipartUpload>";
  }
  Reply complete(const std::string& id, const std::string& xml, ports::HttpFields fields = {}) {
    return post("/file-exchange/k?uploadId=" + id, xml, std::move(fields));
  }
};

TEST_F(MultipartTest, PartsBecomeOneObject) {
  const std::string id = begin({{"Content-Type", "text/plain"}, {"x-amz-meta-a", "b"}});
  EXPECT_EQ(part(id, 2, "world").outcome(), "200");
  EXPECT_EQ(part(id, 1, "hello").field("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(get("/file-exchange/k").outcome(), "404 NoSuchKey");
  const Reply reply = complete(id, document({{1, "hello"}, {2, "world"}}));
  EXPECT_EQ(reply.outcome(), "200");
  const std::string etag = hex_encode(md5(md5("hello") + md5("world"))) + "-2";
  EXPECT_EQ(reply.element("ETag"), "&quot;" + etag + "&quot;");
  EXPECT_EQ(reply.element("Key"), "k");
  EXPECT_EQ(reply.element("Location"), "http://s3.test:9000/file-exchange/k");
  EXPECT_NE(reply.field("x-s3link-sequencer"), "");
  EXPECT_EQ(stored("k"), "helloworld");
  const Reply back = get("/file-exchange/k");
  EXPECT_EQ(back.field("ETag"), "\"" + etag + "\"");
  EXPECT_EQ(back.field("Content-Type"), "text/plain");
  EXPECT_EQ(back.field("x-amz-meta-a"), "b");
  ASSERT_EQ(store.events.size(), 1U);
  EXPECT_EQ(store.events[0].origin.event_name, "ObjectCreated:CompleteMultipartUpload");
  EXPECT_EQ(store.events[0].object.removed_at, clock.now() + std::chrono::hours(24));
}

TEST_F(MultipartTest, RepeatedCompletionGivesTheSameObject) {
  const std::string id = begin();
  part(id, 1, "hello");
  const Reply first = complete(id, document({{1, "hello"}}));
  const Reply second = complete(id, document({{1, "hello"}}));
  EXPECT_EQ(second.outcome(), "200");
  EXPECT_EQ(second.field("x-s3link-sequencer"), first.field("x-s3link-sequencer"));
  EXPECT_EQ(store.events.size(), 1U);
}

TEST_F(MultipartTest, PartNumberReadsOnePart) {
  const std::string id = begin();
  part(id, 3, "hello");
  part(id, 7, "world!");
  complete(id, document({{3, "hello"}, {7, "world!"}}));
  const Reply second = get("/file-exchange/k?partNumber=2");
  EXPECT_EQ(second.status, 206U);
  EXPECT_EQ(second.body, "world!");
  EXPECT_EQ(second.field("Content-Range"), "bytes 5-10/11");
  EXPECT_EQ(second.field("x-amz-mp-parts-count"), "2");
  EXPECT_EQ(get("/file-exchange/k?partNumber=3").outcome(), "416 InvalidPartNumber");
  const Reply attributes =
      get("/file-exchange/k?attributes", {{"x-amz-object-attributes", "ObjectParts"}, {"x-amz-max-parts", "1"}});
  EXPECT_EQ(attributes.element("PartsCount"), "2");
  EXPECT_EQ(attributes.element("IsTruncated"), "true");
  EXPECT_THAT(attributes.elements("Size"), ElementsAre("5"));
  put("/file-exchange/single", "abc");
  EXPECT_EQ(get("/file-exchange/single?partNumber=1").body, "abc");
  EXPECT_EQ(get("/file-exchange/single?partNumber=2").outcome(), "416 InvalidPartNumber");
}

TEST_F(MultipartTest, WrongCompletionsAreRefusedAndTheUploadStays) {
  const std::string id = begin();
  part(id, 1, "hello");
  part(id, 2, "w");
  part(id, 3, "!");
  const auto outcome = [&](const std::string& xml, ports::HttpFields fields = {}) {
    return complete(id, xml, std::move(fields)).outcome();
  };
  EXPECT_EQ(outcome(document({{1, "other"}})), "400 InvalidPart");
  EXPECT_EQ(outcome(document({{4, "hello"}})), "400 InvalidPart");
  EXPECT_EQ(outcome(document({{2, "w"}, {1, "hello"}})), "400 InvalidPartOrder");
  EXPECT_EQ(outcome(document({{1, "hello"}, {2, "w"}, {3, "!"}})), "400 EntityTooSmall");
  EXPECT_EQ(outcome("<CompleteMultipartUpload/>"), "400 MalformedXML");
  EXPECT_EQ(outcome("nonsense"), "400 MalformedXML");
  EXPECT_EQ(outcome(document({{1, "hello"}}), {{"x-amz-mp-object-size", "6"}}), "400 InvalidRequest");
  EXPECT_EQ(outcome(document({{1, "hello"}}), {{"Content-MD5", base64_encode(md5("x"))}}), "400 BadDigest");
  EXPECT_EQ(complete("nosuchupload", document({{1, "hello"}})).outcome(), "404 NoSuchUpload");
  EXPECT_EQ(outcome(document({{1, "hello"}, {2, "w"}}), {{"x-amz-mp-object-size", "6"}}), "200");
  EXPECT_EQ(stored("k"), "hellow");
}

TEST_F(MultipartTest, ConditionsHoldAtTheEnd) {
  put("/file-exchange/k", "before");
  const std::string id = begin();
  part(id, 1, "hello");
  EXPECT_EQ(complete(id, document({{1, "hello"}}), {{"If-None-Match", "*"}}).outcome(), "412 PreconditionFailed");
  EXPECT_EQ(complete(id, document({{1, "hello"}}), {{"If-Match", "\"x\""}}).outcome(), "412 PreconditionFailed");
  EXPECT_EQ(stored("k"), "before");
  EXPECT_EQ(complete(id, document({{1, "hello"}}), {{"If-Match", hex_encode(md5("before"))}}).outcome(), "200");
}

TEST_F(MultipartTest, AbortEndsIt) {
  const std::string id = begin();
  part(id, 1, "hello");
  EXPECT_EQ(send({.method = "DELETE", .target = "/file-exchange/k?uploadId=" + id}).outcome(), "204");
  EXPECT_EQ(part(id, 2, "world").outcome(), "404 NoSuchUpload");
  EXPECT_EQ(send({.method = "DELETE", .target = "/file-exchange/k?uploadId=" + id}).outcome(), "404 NoSuchUpload");
}

TEST_F(MultipartTest, PartOfAnUnknownUploadIsRefusedUnread) {
  const Reply reply = part("nosuchupload", 1, "hello");
  EXPECT_EQ(reply.outcome(), "404 NoSuchUpload");
  EXPECT_FALSE(reply.body_was_read);
}

TEST_F(MultipartTest, CompositeChecksum) {
  const std::string id = begin({{"x-amz-checksum-algorithm", "SHA256"}});
  const std::string sha1 = checksum_of(s3::ChecksumAlgorithm::sha256, "hello");
  const std::string sha2 = checksum_of(s3::ChecksumAlgorithm::sha256, "world");
  EXPECT_EQ(part(id, 1, "hello", {{"x-amz-checksum-sha256", base64_encode(sha1)}}).field("x-amz-checksum-sha256"),
            base64_encode(sha1));
  EXPECT_EQ(part(id, 2, "world").outcome(), "200");  // computed here where the client says nothing
  const std::string want = s3::composite_checksum(s3::ChecksumAlgorithm::sha256, {sha1, sha2});
  EXPECT_EQ(complete(id, document({{1, "hello"}, {2, "world"}}), {{"x-amz-checksum-sha256", "bad"}}).outcome(),
            "400 BadDigest");
  const Reply reply = complete(id, document({{1, "hello"}, {2, "world"}}), {{"x-amz-checksum-sha256", want}});
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_EQ(reply.element("ChecksumSHA256"), want);
  EXPECT_EQ(reply.element("ChecksumType"), "COMPOSITE");
  const Reply back = get("/file-exchange/k", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(back.field("x-amz-checksum-sha256"), want);
  EXPECT_EQ(back.field("x-amz-checksum-type"), "COMPOSITE");
}

TEST_F(MultipartTest, FullObjectChecksumIsCombined) {
  for (const auto algorithm :
       {s3::ChecksumAlgorithm::crc32, s3::ChecksumAlgorithm::crc32c, s3::ChecksumAlgorithm::crc64nvme}) {
    const std::string id = begin(
        {{"x-amz-checksum-algorithm", std::string(s3::to_string(algorithm))}, {"x-amz-checksum-type", "FULL_OBJECT"}});
    part(id, 1, "hello ");
    part(id, 2, "world");
    const std::string want = base64_encode(checksum_of(algorithm, "hello world"));
    const Reply reply = complete(id, document({{1, "hello "}, {2, "world"}}),
                                 {{s3::checksum_field(algorithm), want}, {"x-amz-checksum-type", "FULL_OBJECT"}});
    EXPECT_EQ(reply.outcome(), "200") << reply.body;
    EXPECT_EQ(reply.element(s3::checksum_element(algorithm)), want);
    EXPECT_EQ(reply.element("ChecksumType"), "FULL_OBJECT");
  }
}

TEST_F(MultipartTest, PartChecksumsMustBeTheUploads) {
  const std::string id = begin({{"x-amz-checksum-algorithm", "CRC32"}});
  EXPECT_EQ(part(id, 1, "hello", {{"x-amz-checksum-crc32c", "AAAAAA=="}}).outcome(), "400 InvalidRequest");
  EXPECT_EQ(part(id, 1, "hello", {{"x-amz-checksum-crc32", "AAAAAA=="}}).outcome(), "400 BadDigest");
  part(id, 1, "hello");
  const std::string named = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" +
                            hex_encode(md5("hello")) +
                            "</ETag><ChecksumCRC32>AAAAAA==</ChecksumCRC32></Part></CompleteMultipartUpload>";
  EXPECT_EQ(complete(id, named).outcome(), "400 InvalidPart");
  EXPECT_EQ(complete(id, document({{1, "hello"}}), {{"x-amz-checksum-type", "FULL_OBJECT"}}).outcome(),
            "400 InvalidRequest");
}

TEST_F(MultipartTest, ListsPartsInPages) {
  const std::string id = begin({{"x-amz-checksum-algorithm", "CRC32"}});
  for (unsigned i = 1; i <= 5; ++i) part(id, i, "part" + std::to_string(i));
  const Reply first = get("/file-exchange/k?max-parts=2&uploadId=" + id);
  EXPECT_THAT(first.elements("PartNumber"), ElementsAre("1", "2"));
  EXPECT_EQ(first.element("IsTruncated"), "true");
  EXPECT_EQ(first.element("NextPartNumberMarker"), "2");
  EXPECT_EQ(first.element("ChecksumAlgorithm"), "CRC32");
  EXPECT_EQ(first.elements("ChecksumCRC32").size(), 2U);
  const Reply last = get("/file-exchange/k?part-number-marker=4&uploadId=" + id);
  EXPECT_THAT(last.elements("PartNumber"), ElementsAre("5"));
  EXPECT_EQ(last.element("IsTruncated"), "false");
  EXPECT_EQ(last.element("Size"), "5");
  EXPECT_EQ(get("/file-exchange/k?uploadId=nosuch").outcome(), "404 NoSuchUpload");
}

TEST_F(MultipartTest, ListsUploadsInPages) {
  for (const auto* const key : {"a/1", "a/2", "b", "c"}) begin({}, key);
  const Reply all = get("/file-exchange?uploads");
  EXPECT_THAT(all.elements("Key"), ElementsAre("a/1", "a/2", "b", "c"));
  const Reply first = get("/file-exchange?uploads&delimiter=/&max-uploads=1");
  EXPECT_EQ(first.element("IsTruncated"), "true");
  EXPECT_EQ(first.element("NextKeyMarker"), "a/");
  EXPECT_THAT(first.body, HasSubstr("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"));
  const Reply second = get("/file-exchange?uploads&delimiter=/&max-uploads=1&key-marker=a/");
  EXPECT_THAT(second.elements("Key"), ElementsAre("b"));
  EXPECT_EQ(second.element("NextKeyMarker"), "b");
  EXPECT_NE(second.element("NextUploadIdMarker"), "");
}

}  // namespace
}  // namespace s3link::server
