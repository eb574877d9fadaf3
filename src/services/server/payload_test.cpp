#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/s3/checksum.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

std::string checksum_of(s3::ChecksumAlgorithm algorithm, std::string_view text) {
  s3::Checksum checksum(algorithm);
  checksum.update(as_bytes(text));
  return base64_encode(checksum.finish());
}

std::string some_body(std::size_t size) {
  std::string body(size, '\0');
  for (std::size_t i = 0; i < size; ++i) body[i] = static_cast<char>(i * 31 + i / 200);
  return body;
}

struct KindRow {
  std::string name;
  Coding coding;
  bool trailer;
  bool length_known;
};
const std::vector<KindRow> kKinds = {
    {"hash", Coding::hash, false, true},
    {"unsigned", Coding::unsigned_payload, false, true},
    {"unsigned_of_unknown_length", Coding::unsigned_payload, false, false},
    {"signed_chunks", Coding::signed_chunks, false, true},
    {"signed_chunks_trailer", Coding::signed_chunks_trailer, true, true},
    {"unsigned_chunks", Coding::unsigned_chunks_trailer, false, true},
    {"unsigned_chunks_trailer", Coding::unsigned_chunks_trailer, true, true},
    {"unsigned_chunks_trailer_in_http_chunks", Coding::unsigned_chunks_trailer, true, false},
};

TestRequest put_of(const KindRow& kind, std::string body, std::string target = "/file-exchange/k") {
  TestRequest request{.method = "PUT", .target = std::move(target), .body = std::move(body), .coding = kind.coding};
  request.length_known = kind.length_known;
  if (kind.trailer) {
    request.trailers = {{"x-amz-checksum-crc32c", checksum_of(s3::ChecksumAlgorithm::crc32c, request.body)}};
  }
  return request;
}

class PayloadKindTest : public ApiTest, public testing::WithParamInterface<KindRow> {
 protected:
  std::string target() {
    const Reply begun = post("/file-exchange/multi?uploads", "");
    return "/file-exchange/multi?partNumber=1&uploadId=" + begun.element("UploadId");
  }
};

TEST_P(PayloadKindTest, ArrivesWhole) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{5}, std::size_t{65536}, std::size_t{300000}}) {
    const Reply reply = send(put_of(GetParam(), some_body(size)));
    EXPECT_EQ(reply.outcome(), "200") << size << reply.body;
    EXPECT_EQ(stored("k"), some_body(size));
    EXPECT_EQ(reply.field("x-amz-checksum-crc32c").empty(), !GetParam().trailer);
    EXPECT_EQ(get("/file-exchange/k").field("Content-Encoding"), "");
  }
}

TEST_P(PayloadKindTest, ArrivesAsAPart) {
  const Reply reply = send(put_of(GetParam(), "hello", target()));
  EXPECT_EQ(reply.outcome(), "200") << reply.body;
  EXPECT_EQ(reply.field("ETag"), "\"5d41402abc4b2a76b9719d911017c592\"");
}

/// A wrong secret: refused by every writing handler whatever the payload's kind, before the body is read.
TEST_P(PayloadKindTest, WrongSignatureStoresNothing) {
  for (const std::string& where : {std::string("/file-exchange/k"), target(), std::string("/new-bucket"),
                                   std::string("/file-exchange/k?uploads"), std::string("/file-exchange?delete")}) {
    TestRequest request = put_of(GetParam(), "hello", where);
    request.signed_by = "another secret";
    if (where.ends_with("uploads") || where.ends_with("delete")) request.method = "POST";
    const Reply reply = send(std::move(request));
    EXPECT_EQ(reply.outcome(), "403 SignatureDoesNotMatch") << where;
    EXPECT_FALSE(reply.body_was_read) << where;
  }
  EXPECT_EQ(stored("k"), "(none)");
}

TEST_P(PayloadKindTest, CutOffBodyStoresNothing) {
  TestRequest request = put_of(GetParam(), some_body(100000));
  request.tamper = [](ports::HttpRequestHead&, std::string& body) { body.resize(body.size() / 2); };
  if (GetParam().coding == Coding::unsigned_payload) return;  // the HTTP server's to notice
  const Reply reply = send(std::move(request));
  EXPECT_THAT(reply.outcome(), testing::AnyOf("400 IncompleteBody", "400 XAmzContentSHA256Mismatch"));
  EXPECT_EQ(stored("k"), "(none)");
}

TEST_P(PayloadKindTest, ChangedByteStoresNothing) {
  TestRequest request = put_of(GetParam(), some_body(100000));
  request.tamper = [](ports::HttpRequestHead&, std::string& body) { body[50000] = static_cast<char>(body[50000] ^ 1); };
  const bool noticed = GetParam().coding != Coding::unsigned_payload &&
                       (GetParam().coding != Coding::unsigned_chunks_trailer || GetParam().trailer);
  const Reply reply = send(std::move(request));
  if (!noticed) {
    EXPECT_EQ(reply.outcome(), "200");  // nothing was claimed of these bytes
    return;
  }
  EXPECT_THAT(reply.outcome(),
              testing::AnyOf("403 SignatureDoesNotMatch", "400 XAmzContentSHA256Mismatch", "400 BadDigest"));
  EXPECT_EQ(stored("k"), "(none)");
}

INSTANTIATE_TEST_SUITE_P(Table, PayloadKindTest, testing::ValuesIn(kKinds),
                         [](const auto& row) { return row.param.name; });

class PayloadTest : public ApiTest {
 protected:
  ports::HttpRequestHead presigned_put() {
    return {
        "PUT", presigned("PUT", "/file-exchange/k"), {{"Host", "s3.test:9000"}, {"Content-Length", "5"}}, "", false};
  }
};

TEST_F(PayloadTest, ABodyMustBeAnnounced) {
  ports::HttpRequestHead head = presigned_put();
  head.fields.pop_back();
  EXPECT_EQ(handle(head, test_support::FakeRequestBody()).outcome(), "411 MissingContentLength");
  EXPECT_EQ(stored("k"), "(none)");
}

TEST_F(PayloadTest, EveryChecksumInFieldAndTrailer) {
  const std::string body = some_body(70000);
  for (const auto algorithm : s3::kChecksumAlgorithms) {
    const std::string name = s3::checksum_field(algorithm);
    const std::string right = checksum_of(algorithm, body);
    const std::string wrong = checksum_of(algorithm, "other");
    EXPECT_EQ(put("/file-exchange/k", body, {{name, right}}).field(name), right);
    EXPECT_EQ(put("/file-exchange/w", body, {{name, wrong}}).outcome(), "400 BadDigest");
    TestRequest request{.method = "PUT", .target = "/file-exchange/t", .body = body};
    request.coding = Coding::unsigned_chunks_trailer;
    request.trailers = {{name, right}};
    EXPECT_EQ(send(request).field(name), right);
    request.target = "/file-exchange/w";
    request.trailers = {{name, wrong}};
    EXPECT_EQ(send(request).outcome(), "400 BadDigest");
    request.trailers = {{name, "bad"}};
    EXPECT_EQ(send(request).outcome(), "400 InvalidRequest");
    EXPECT_EQ(stored("w"), "(none)");
  }
}

TEST_F(PayloadTest, ContentMd5) {
  EXPECT_EQ(put("/file-exchange/k", "hello", {{"Content-MD5", base64_encode(md5("hello"))}}).outcome(), "200");
  EXPECT_EQ(put("/file-exchange/w", "hello", {{"Content-MD5", base64_encode(md5("other"))}}).outcome(),
            "400 BadDigest");
  EXPECT_EQ(put("/file-exchange/w", "hello", {{"Content-MD5", "nonsense"}}).outcome(), "400 InvalidDigest");
  EXPECT_EQ(stored("w"), "(none)");
}

TEST_F(PayloadTest, StreamingNeedsTheDecodedLength) {
  TestRequest request{.method = "PUT", .target = "/file-exchange/k", .body = "hello"};
  request.coding = Coding::unsigned_chunks_trailer;
  request.decoded_length = false;
  EXPECT_EQ(send(request).outcome(), "411 MissingContentLength");
  request.decoded_length = true;
  EXPECT_EQ(send(request).outcome(), "200");
}

TEST_F(PayloadTest, TooLargeIsRefusedUnread) {
  TestRequest request{.method = "PUT", .target = "/file-exchange/k", .body = "x"};
  request.coding = Coding::unsigned_payload;
  test_support::FakeRequestBody body("x");
  body.declared = std::uint64_t{2} * 1024 * 1024 + 1;
  const Reply reply = handle(presigned_put(), body);
  EXPECT_EQ(reply.outcome(), "400 EntityTooLarge");
  EXPECT_FALSE(reply.body_was_read);
}

TEST_F(PayloadTest, TooLargeOfUnknownLengthIsCutOff) {
  TestRequest request{.method = "PUT", .target = "/file-exchange/k", .body = some_body(2 * 1024 * 1024 + 1)};
  request.coding = Coding::unsigned_payload;
  request.length_known = false;
  EXPECT_EQ(send(std::move(request)).outcome(), "400 EntityTooLarge");
  EXPECT_EQ(stored("k"), "(none)");
}

TEST_F(PayloadTest, AClientThatGoesAwayStoresNothing) {
  test_support::FakeRequestBody body("hel");
  body.declared = 5;
  body.failure = Error{ErrorKind::invalid_argument, "closed", "IncompleteBody"};
  const Reply reply = handle(presigned_put(), body);
  EXPECT_EQ(reply.outcome(), "400 IncompleteBody");
  EXPECT_EQ(stored("k"), "(none)");
}

TEST_F(PayloadTest, TrailerNeedsItsCoding) {
  EXPECT_EQ(put("/file-exchange/k", "hello", {{"x-amz-trailer", "x-amz-checksum-crc32"}}).outcome(),
            "400 InvalidRequest");
}

TEST_F(PayloadTest, PresignedPutWorks) {
  const Reply reply =
      send_presigned("PUT", presigned("PUT", "/file-exchange/a b"), "hello", {{"Content-Type", "text/plain"}});
  EXPECT_EQ(reply.outcome(), "200");
  EXPECT_EQ(stored("a b"), "hello");
}

}  // namespace
}  // namespace s3link::server
