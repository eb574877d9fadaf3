// What other S3 servers were broken by, as requests that must be refused, each beside its twin that must pass.
#include "core/base/encoding.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using testing::Not;

class SecurityTest : public ApiTest {};

/// MinIO CVE-2026-97731, NooBaa CVE-2026-94368: x-amz-copy-source added to a presigned PUT.
TEST_F(SecurityTest, UnsignedAmzFieldOnAPresignedUrl) {
  const std::string target = presigned("PUT", "/file-exchange/k");
  EXPECT_EQ(send_presigned("PUT", target, "x", {{"x-amz-copy-source", "/file-exchange/secret"}}).outcome(),
            "403 AccessDenied");
  for (const std::string name :
       {"x-amz-meta-a", "X-Amz-Meta-A", "x-amz-acl", "x-amz-tagging", "x-amz-storage-class", "x-amz-copy-source-range",
        "x-amz-server-side-encryption", "x-amz-server-side-encryption-customer-key", "x-amz-checksum-crc32",
        "x-amz-checksum-mode", "x-amz-sdk-checksum-algorithm", "x-amz-trailer", "x-amz-decoded-content-length",
        "x-amz-expected-bucket-owner", "x-amz-website-redirect-location", "x-amz-grant-read", "x-amz-object-lock-mode",
        "x-amz-cf-anything-else"}) {
    EXPECT_EQ(send_presigned("PUT", target, "x", {{name, "b"}}).outcome(), "403 AccessDenied") << name;
  }
  EXPECT_EQ(stored("k"), "(none)");
  EXPECT_EQ(send_presigned("PUT", target, "x").outcome(), "200");
}

TEST_F(SecurityTest, UnsignedAmzFieldOnASignedRequest) {
  const Reply reply = send({.method = "PUT",
                            .target = "/file-exchange/k",
                            .body = "x",
                            .tamper = [](ports::HttpRequestHead& head, std::string&) {
                              head.fields.emplace_back("x-amz-copy-source", "/file-exchange/secret");
                            }});
  EXPECT_EQ(reply.outcome(), "403 AccessDenied");
  EXPECT_EQ(stored("k"), "(none)");
  // Signed, it says what is missing here.
  EXPECT_EQ(put("/file-exchange/k", "x", {{"x-amz-copy-source", "/file-exchange/secret"}}).outcome(),
            "501 NotImplemented");
}

/// MinIO CVE-2026-41145: credentials in the query, none in the head, an unsigned trailer.
TEST_F(SecurityTest, TrailerUploadWithoutASignature) {
  ports::HttpFields fields = {{"Host", "s3.test:9000"},
                              {"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
                              {"x-amz-decoded-content-length", "1"},
                              {"x-amz-date", amz_date(clock.now())}};
  const std::string body = "1\r\nx\r\n0\r\n\r\n";
  EXPECT_EQ(handle({"PUT", "/file-exchange/k", fields, "", false}, test_support::FakeRequestBody(body)).outcome(),
            "403 AccessDenied");
  EXPECT_THAT(handle({"PUT",
                      "/file-exchange/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260102%2Fus-east-1%2Fs3%2Faws4_"
                      "request",
                      fields, "", false},
                     test_support::FakeRequestBody(body))
                  .outcome(),
              AnyOf("403 AccessDenied", "400 AuthorizationQueryParametersError"));
  EXPECT_EQ(stored("k"), "(none)");
  TestRequest twin{.method = "PUT", .target = "/file-exchange/k", .body = "x"};
  twin.coding = Coding::unsigned_chunks_trailer;
  EXPECT_EQ(send(twin).outcome(), "200");
}

TEST_F(SecurityTest, BothKindsOfAuthentication) {
  const std::string target = presigned("GET", "/file-exchange/k");
  const Reply reply = send({.target = target});
  EXPECT_THAT(reply.outcome(), AnyOf("400 InvalidArgument", "400 InvalidRequest"));
}

/// SeaweedFS issue 7912: any multipart/form-data POST treated as authenticated.
TEST_F(SecurityTest, FormPostsNeedASignature) {
  for (const std::string target : {"/file-exchange", "/file-exchange?delete", "/file-exchange/k?uploads",
                                   "/file-exchange/k?uploadId=1", "/file-exchange/k", "/"}) {
    const Reply reply = handle(
        {"POST", target, {{"Host", "s3.test:9000"}, {"Content-Type", "multipart/form-data; boundary=x"}}, "", false},
        test_support::FakeRequestBody("--x--"));
    EXPECT_EQ(reply.outcome(), "403 AccessDenied") << target;
    EXPECT_FALSE(reply.body_was_read) << target;
  }
  EXPECT_EQ(post("/file-exchange", "--x--", {{"Content-Type", "multipart/form-data; boundary=x"}}).outcome(),
            "501 NotImplemented");
}

TEST_F(SecurityTest, NothingIsAnonymous) {
  put("/file-exchange/k", "x");
  for (const std::string method : {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"}) {
    for (const std::string target : {"/", "/file-exchange", "/file-exchange/k", "/missing/k", "/file-exchange?policy",
                                     "/_/api/v1/deliveries", "/__/x", "/Bad_Bucket"}) {
      const Reply reply =
          handle({method, target, {{"Host", "s3.test:9000"}}, "", false}, test_support::FakeRequestBody("x"));
      EXPECT_THAT(reply.status, AnyOf(403U, 405U, 400U)) << method << target;
      EXPECT_FALSE(reply.body_was_read);
      if (reply.status != 403) EXPECT_TRUE(target.starts_with("/_/"));
    }
  }
  EXPECT_EQ(stored("k"), "x");
}

/// MinIO CVE-2020-11012: a known access key is enough.
TEST_F(SecurityTest, RightKeyAndWrongSecret) {
  for (const std::string target : {"/", "/file-exchange/k", "/_/api/v1/deliveries"}) {
    EXPECT_EQ(send({.target = target, .signed_by = "wrong"}).status, 403U) << target;
  }
  EXPECT_EQ(send({.target = "/_/api/v1/deliveries"}).status, 200U);
}

TEST_F(SecurityTest, ExpiredAndPostDatedUrls) {
  put("/file-exchange/k", "x");
  const std::string target = presigned("GET", "/file-exchange/k");
  EXPECT_EQ(send_presigned("GET", target).outcome(), "200");
  EXPECT_EQ(send_presigned("HEAD", target).status, 403U);  // the method is signed
  clock.advance(std::chrono::minutes(61));
  EXPECT_EQ(send_presigned("GET", target).outcome(), "403 AccessDenied");
  clock.advance(-std::chrono::minutes(61 + 16));
  EXPECT_EQ(send_presigned("GET", target).outcome(), "403 AccessDenied");
}

TEST_F(SecurityTest, ClockSkewEitherWay) {
  for (const int minutes : {-16, 16}) {
    const Reply reply = send({.target = "/", .tamper = [&](ports::HttpRequestHead&, std::string&) {
                                clock.advance(std::chrono::minutes(minutes));
                              }});
    EXPECT_EQ(reply.outcome(), "403 RequestTimeTooSkewed");
  }
  EXPECT_EQ(get("/").outcome(), "200");
}

/// SeaweedFS CVE-2026-54917 and CVE-2026-58372, RustFS CVE-2025-68705: dots in keys that lead to another bucket,
/// through the URL and through the DeleteObjects document.
TEST_F(SecurityTest, KeysAreNoPaths) {
  put("/other", "");
  put("/other/secret", "s");
  for (const std::string target :
       {"/file-exchange/../other/secret", "/file-exchange/%2e%2e/other/secret", "/file-exchange/..%2Fother%2Fsecret",
        "/file-exchange/..%5Cother%5Csecret", "/file-exchange//other/secret", "/file-exchange/./../other/secret%00"}) {
    EXPECT_EQ(get(target).outcome(), "404 NoSuchKey") << target;
    EXPECT_EQ(put(target, "mine").outcome(), "200") << target;
    EXPECT_EQ(get(target).body, "mine") << target;
    EXPECT_EQ(send({.method = "DELETE", .target = target}).outcome(), "204") << target;
  }
  for (const std::string key : {"../other/secret", "%2e%2e/other/secret", "/other/secret", "..\\other\\secret"}) {
    const Reply reply = post("/file-exchange?delete", "<Delete><Object><Key>" + key + "</Key></Object></Delete>");
    EXPECT_EQ(reply.elements("Deleted").size(), 1U) << key;
  }
  EXPECT_EQ(stored("secret", "other"), "s");
}

/// oxyno-zeta/s3-proxy CVE-2026-42882: authorisation on the encoded path, storage on the decoded one.
TEST_F(SecurityTest, SlashesMakeDistinctKeys) {
  put("/file-exchange/a/b", "one");
  put("/file-exchange/a//b", "two");
  put("/file-exchange/a%252Fb", "three");
  EXPECT_EQ(get("/file-exchange/a%2Fb").body, "one");
  EXPECT_EQ(get("/file-exchange/a%2F%2Fb").body, "two");
  EXPECT_EQ(get("/file-exchange/a%252Fb").body, "three");
  EXPECT_EQ(get("/file-exchange/a%25252Fb").outcome(), "404 NoSuchKey");
}

/// MinIO CVE-2026-34204: internal fields accepted from outside.
TEST_F(SecurityTest, OurOwnFieldsAreNotTakenFromOutside) {
  const Reply reply = put("/file-exchange/k", "x", {{"x-s3link-sequencer", "FFFF"}});
  EXPECT_EQ(reply.field("x-s3link-sequencer"), "0000000000000001");
  EXPECT_EQ(get("/file-exchange/k").field("x-s3link-sequencer"), "");
}

/// Ceph CVE-2020-10753: line breaks from the query into response fields.
TEST_F(SecurityTest, LineBreaksDoNotReachTheAnswer) {
  put("/file-exchange/k", "x");
  for (const std::string name : {"response-content-disposition", "response-content-type", "response-cache-control"}) {
    EXPECT_EQ(get("/file-exchange/k?" + name + "=a%0D%0ASet-Cookie:%20b").outcome(), "400 InvalidArgument") << name;
    EXPECT_EQ(get("/file-exchange/k?" + name + "=a%0Ab").outcome(), "400 InvalidArgument") << name;
    EXPECT_EQ(get("/file-exchange/k?" + name + "=a%20b").outcome(), "200") << name;
  }
}

TEST_F(SecurityTest, SignatureVersionTwoIsToldSo) {
  const Reply query = handle({"GET",
                              "/file-exchange/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=x&Expires=1",
                              {{"Host", "s3.test:9000"}},
                              "",
                              false},
                             test_support::FakeRequestBody());
  EXPECT_EQ(query.outcome(), "400 InvalidRequest");
  EXPECT_THAT(query.body, HasSubstr("AWS4-HMAC-SHA256"));
}

TEST_F(SecurityTest, BrokenXmlDoesNotHurt) {
  for (const std::string xml :
       {"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><Delete><Object><Key>&x;</Key></Object></Delete>",
        "<Delete><Object><Key>a</Key>", "\xff\xfe<", "<Delete xmlns:a='b'><a:Object/></Delete>"}) {
    EXPECT_EQ(post("/file-exchange?delete", xml).outcome(), "400 MalformedXML") << xml;
  }
  EXPECT_EQ(post("/file-exchange?delete", std::string(4 * 1024 * 1024 + 1, ' ')).outcome(),
            "400 MaxMessageLengthExceeded");
}

TEST_F(SecurityTest, ErrorsNameNoSecret) {
  const Reply reply = send({.target = presigned("GET", "/file-exchange/k"), .signed_by = "wrong"});
  EXPECT_THAT(reply.body, Not(HasSubstr("wJalr")));
  EXPECT_THAT(reply.body, Not(HasSubstr("X-Amz-Signature")));
}

}  // namespace
}  // namespace s3link::server
