// Presigned URLs as browsers, proxies and SDKs use them.
#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class PresignedTest : public ApiTest {
 protected:
  PresignedTest() { put("/file-exchange/k", "bytes"); }
};

/// aws-sdk-js v3 and others put what is a header of an upload into the query of its URL.
TEST_F(PresignedTest, ParametersOfAnUploadCountAsTheHeadersOfTheirNames) {
  const std::string target = presigned("PUT", "/file-exchange/q",
                                       {{"x-amz-meta-to", "ann"},
                                        {"X-Amz-Meta-Note", "for you"},
                                        {"x-amz-acl", "private"},
                                        {"x-amz-storage-class", "STANDARD"},
                                        {"x-amz-server-side-encryption", "AES256"},
                                        {"x-amz-expected-bucket-owner", "s3link"},
                                        {"x-amz-user-agent", "aws-sdk-js"},
                                        {"x-id", "PutObject"}});
  EXPECT_EQ(send_presigned("PUT", target, "x").outcome(), "200");
  const Reply head = send({.method = "HEAD", .target = "/file-exchange/q"});
  EXPECT_EQ(head.field("x-amz-meta-to"), "ann");
  EXPECT_EQ(head.field("x-amz-meta-note"), "for you");
}

struct RefusedCase {
  std::string name, parameter, value, want;
};
const std::vector<RefusedCase> kRefusedCases = {
    {"acl", "x-amz-acl", "public-read", "400 AccessControlListNotSupported"},
    {"grant", "x-amz-grant-read", "id=x", "400 AccessControlListNotSupported"},
    {"tagging", "x-amz-tagging", "a=b", "501 NotImplemented"},
    {"storage_class", "x-amz-storage-class", "GLACIER", "400 InvalidStorageClass"},
    {"other_owner", "x-amz-expected-bucket-owner", "111122223333", "403 AccessDenied"},
    {"kms", "x-amz-server-side-encryption", "aws:kms", "501 NotImplemented"},
    {"customer_key", "x-amz-server-side-encryption-customer-algorithm", "AES256", "501 NotImplemented"},
    {"copy_source", "x-amz-copy-source", "/file-exchange/k", "501 NotImplemented"},
    {"object_lock", "x-amz-object-lock-mode", "GOVERNANCE", "400 InvalidRequest"},
    {"line_break", "x-amz-meta-a", "a\r\nSet-Cookie: b", "400 InvalidArgument"},
    {"too_much_metadata", "x-amz-meta-a", std::string(3000, 'x'), "400 MetadataTooLarge"},
};
class RefusedParameter : public PresignedTest, public testing::WithParamInterface<RefusedCase> {};
TEST_P(RefusedParameter, AsItsHeaderIs) {
  const auto& row = GetParam();
  const std::string target = presigned("PUT", "/file-exchange/q", {{row.parameter, row.value}});
  EXPECT_EQ(send_presigned("PUT", target, "x").outcome(), row.want);
  EXPECT_EQ(stored("q"), "(none)");
  if (row.name == "line_break") return;  // no HTTP server hands out such a header
  EXPECT_EQ(put("/file-exchange/q", "x", {{row.parameter, row.value}}).outcome(), row.want) << "the header itself";
}
INSTANTIATE_TEST_SUITE_P(Table, RefusedParameter, testing::ValuesIn(kRefusedCases),
                         [](const auto& row) { return row.param.name; });

/// SDKs sign the checksum of an empty body into the URL; S3 does not look at it.
TEST_F(PresignedTest, ChecksumsInTheQueryMeanNothing) {
  const std::string target = presigned(
      "PUT", "/file-exchange/q", {{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-sdk-checksum-algorithm", "CRC32"}});
  EXPECT_EQ(send_presigned("PUT", target, "not empty").outcome(), "200");
  EXPECT_EQ(send_presigned("GET", presigned("GET", "/file-exchange/q", {{"x-amz-checksum-mode", "ENABLED"}})).body,
            "not empty");
}

TEST_F(PresignedTest, AParameterAndAHeaderThatDifferAreRefused) {
  const std::string target = presigned("PUT", "/file-exchange/q", {{"x-amz-user-agent", "a"}});
  EXPECT_EQ(send_presigned("PUT", target, "x", {{"x-amz-user-agent", "b"}}).outcome(), "400 InvalidArgument");
  EXPECT_EQ(send_presigned("PUT", target, "x", {{"x-amz-user-agent", "a"}}).outcome(), "200");
}

TEST_F(PresignedTest, ParametersOfARequestSignedInItsHeadAreNoHeaders) {
  EXPECT_EQ(put("/file-exchange/q?x-amz-meta-to=ann", "x").outcome(), "200");
  EXPECT_EQ(send({.method = "HEAD", .target = "/file-exchange/q"}).field("x-amz-meta-to"), "");
}

TEST_F(PresignedTest, WhatContentNetworksAddIsNoReasonToRefuse) {
  const ports::HttpFields added = {{"X-Amz-Cf-Id", "abc=="},
                                   {"x-amz-cf-pop", "FRA56"},
                                   {"Via", "1.1 x.cloudfront.net (CloudFront)"},
                                   {"X-Forwarded-For", "203.0.113.9"},
                                   {"x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793"},
                                   {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}};
  EXPECT_EQ(send_presigned("GET", presigned("GET", "/file-exchange/k"), "", added).body, "bytes");
  EXPECT_EQ(send_presigned("PUT", presigned("PUT", "/file-exchange/q"), "x", added).outcome(), "200");
}

TEST_F(PresignedTest, AnUnsignedPayloadHashIsComparedWithTheBody) {
  const std::string target = presigned("PUT", "/file-exchange/q");
  const std::string right = hex_encode(sha256("x"));
  EXPECT_EQ(send_presigned("PUT", target, "y", {{"x-amz-content-sha256", right}}).outcome(),
            "400 XAmzContentSHA256Mismatch");
  EXPECT_EQ(stored("q"), "(none)");
  EXPECT_EQ(send_presigned("PUT", target, "x", {{"x-amz-content-sha256", right}}).outcome(), "200");
}

/// What a cache may do is RFC 9111; Varnish kept links past their deadline, and past the removal of their object.
TEST_F(PresignedTest, NoCacheOutlivesTheLink) {
  const std::string target = presigned("GET", "/file-exchange/k");  // an hour; the object stays for a day
  EXPECT_EQ(send_presigned("GET", target).field("Cache-Control"), "private, max-age=3600");
  EXPECT_EQ(send_presigned("HEAD", presigned("HEAD", "/file-exchange/k")).field("Cache-Control"),
            "private, max-age=3600");
  clock.advance(std::chrono::minutes(59));
  EXPECT_EQ(send_presigned("GET", target).field("Cache-Control"), "private, max-age=60");
  EXPECT_EQ(send_presigned("GET", target, "", {{"Range", "bytes=0-1"}}).field("Cache-Control"), "private, max-age=60");
  clock.advance(std::chrono::minutes(2));
  const Reply expired = send_presigned("GET", target);
  EXPECT_EQ(expired.outcome(), "403 AccessDenied");
  EXPECT_EQ(expired.field("Cache-Control"), "no-store");
}

TEST_F(PresignedTest, NoCacheOutlivesTheObject) {
  clock.advance(std::chrono::hours(24) - std::chrono::seconds(90));
  EXPECT_EQ(send_presigned("GET", presigned("GET", "/file-exchange/k")).field("Cache-Control"), "private, max-age=90");
}

TEST_F(PresignedTest, WhatAnotherSaysOfCachesOnlyShortens) {
  put("/file-exchange/stored", "x", {{"Cache-Control", "public, max-age=31536000"}});
  EXPECT_EQ(send_presigned("GET", presigned("GET", "/file-exchange/stored")).field("Cache-Control"),
            "private, max-age=3600");
  const std::string longer =
      presigned("GET", "/file-exchange/k", {{"response-cache-control", "public, max-age=86400"}});
  EXPECT_EQ(send_presigned("GET", longer).field("Cache-Control"), "private, max-age=3600");
  const std::string never = presigned("GET", "/file-exchange/k", {{"response-cache-control", "no-store"}});
  EXPECT_EQ(send_presigned("GET", never).field("Cache-Control"), "private, max-age=3600, no-store");
  // A request that is signed in its head gets what was stored: clients copy it.
  EXPECT_EQ(get("/file-exchange/stored").field("Cache-Control"), "public, max-age=31536000");
  EXPECT_EQ(get("/file-exchange/k").field("Cache-Control"), "");
}

TEST_F(PresignedTest, ARevalidatedAnswerDoesNotBeginANewLife) {
  const std::string target = presigned("GET", "/file-exchange/k");
  const std::string etag = send_presigned("GET", target).field("ETag");
  clock.advance(std::chrono::minutes(30));
  const Reply same = send_presigned("GET", target, "", {{"If-None-Match", etag}});
  EXPECT_EQ(same.status, 304U);
  EXPECT_EQ(same.field("Cache-Control"), "private, max-age=1800");
}

TEST_F(PresignedTest, ListsAndErrorsAreForNoCache) {
  EXPECT_EQ(send_presigned("GET", presigned("GET", "/file-exchange")).field("Cache-Control"), "no-store");
  EXPECT_EQ(send_presigned("GET", presigned("GET", "/file-exchange/none")).field("Cache-Control"), "no-store");
  EXPECT_EQ(get("/file-exchange/none").field("Cache-Control"), "no-store");
  EXPECT_EQ(get("/file-exchange").field("Cache-Control"), "");
}

TEST_F(PresignedTest, AnObjectInABrowserBelongsToNoOrigin) {
  EXPECT_EQ(send_presigned("GET", presigned("GET", "/file-exchange/k")).field("Content-Security-Policy"), "sandbox");
  EXPECT_EQ(get("/file-exchange/k", {{"Range", "bytes=0-1"}}).field("Content-Security-Policy"), "sandbox");
}

// -- Behind a proxy that has put a name of its own into the Host field.

class ProxyTest : public ApiTest {
 protected:
  explicit ProxyTest(std::string domain = {})
      : served({.exchange_bucket = *s3::BucketName::parse(kBucket),
                .object_ttl = std::chrono::hours(24),
                .max_object_size = 1024,
                .domain = std::move(domain),
                .public_host = "files.example.org"},
               keys, store, deliveries, dead_letters, redrive, clock, random, {&records}) {
    send_to(served, {.method = "PUT", .target = "/file-exchange/k", .body = "bytes"});
  }

  /// A link as it is mailed, as the server gets it with that Host.
  Reply follow(const std::string& base, const std::string& host, const std::string& path = "/file-exchange/k") {
    const Secret url = sigv4::presign({.method = "GET", .base_url = base, .path = path, .query = {}}, credentials,
                                      "us-east-1", *sigv4::ExpiresIn::from(std::chrono::hours(1)), clock.now());
    const std::string target(url.reveal().substr(url.reveal().find('/', base.find("://") + 3)));
    return handle_by(served, {"GET", target, {{"Host", host}}, "192.0.2.7", false}, test_support::FakeRequestBody());
  }
  /// A request signed in its head for one host, which gets there with another.
  Reply ask(const std::string& signed_host, const std::string& host, std::string target = "/file-exchange/k") {
    return send_to(
        served,
        {.target = std::move(target), .host = signed_host, .tamper = [&](ports::HttpRequestHead& head, std::string&) {
           for (auto& [name, value] : head.fields) {
             if (equals_ignoring_case(name, "host")) value = host;
           }
         }});
  }

  S3Api served;
};

TEST_F(ProxyTest, ALinkOpensWhateverTheProxySaysOfTheHost) {
  for (const std::string host : {"files.example.org", "files.example.org:443", "files.example.org:80",
                                 "FILES.example.org", "127.0.0.1:9000", "backend", "[::1]:9000"}) {
    EXPECT_EQ(follow("https://files.example.org", host).body, "bytes") << host;
    EXPECT_EQ(ask("files.example.org", host).body, "bytes") << host;
    EXPECT_EQ(ask("files.example.org", host, "/_/api/v1/deliveries").status, 200U) << host;
  }
}

TEST_F(ProxyTest, AHostThatClientsReachItByCountsAsBefore) {
  EXPECT_EQ(ask("127.0.0.1:9000", "127.0.0.1:9000").body, "bytes");
  EXPECT_EQ(follow("http://10.0.0.7:9000", "10.0.0.7:9000").body, "bytes");
}

TEST_F(ProxyTest, WhatWasSignedForAnotherServerIsRefused) {
  for (const std::string host : {"files.example.org", "127.0.0.1:9000", "evil.example.net"}) {
    EXPECT_EQ(follow("https://elsewhere.example.org", host).outcome(), "403 SignatureDoesNotMatch") << host;
    EXPECT_EQ(ask("elsewhere.example.org", host).outcome(), "403 SignatureDoesNotMatch") << host;
  }
  EXPECT_EQ(follow("https://files.example.org:8443", "backend").outcome(), "403 SignatureDoesNotMatch");
}

TEST_F(ProxyTest, NothingButTheHostMayDiffer) {
  const auto changed = [&](const std::string& target) {
    return handle_by(served, {"GET", target, {{"Host", "backend"}}, "192.0.2.7", false},
                     test_support::FakeRequestBody());
  };
  const Secret url = sigv4::presign(
      {.method = "GET", .base_url = "https://files.example.org", .path = "/file-exchange/k", .query = {}}, credentials,
      "us-east-1", *sigv4::ExpiresIn::from(std::chrono::hours(1)), clock.now());
  std::string target(url.reveal().substr(std::string_view("https://files.example.org").size()));
  EXPECT_EQ(changed(target).status, 200U);
  std::string other = target;
  other.replace(other.find("/k?"), 3, "/l?");
  EXPECT_EQ(changed(other).outcome(), "403 SignatureDoesNotMatch");
  EXPECT_EQ(changed(target + "&acl").outcome(), "403 SignatureDoesNotMatch");
  target.replace(target.find("Expires=3600"), 12, "Expires=3601");
  EXPECT_EQ(changed(target).outcome(), "403 SignatureDoesNotMatch");
}

class VirtualHostProxyTest : public ProxyTest {
 protected:
  VirtualHostProxyTest() : ProxyTest("s3.example.org") {}
};

/// There the Host field says which bucket is meant, so that another name would be another request.
TEST_F(VirtualHostProxyTest, AHostThatNamesABucketMustBeTheSignedOne) {
  send_to(served, {.method = "PUT", .target = "/other"});
  send_to(served, {.method = "PUT", .target = "/other/file-exchange/k", .body = "secret"});
  EXPECT_EQ(follow("https://files.example.org", "127.0.0.1:9000").body, "bytes");
  EXPECT_EQ(follow("https://files.example.org", "other.s3.example.org").outcome(), "403 SignatureDoesNotMatch");
  EXPECT_EQ(follow("https://files.example.org", "other.s3.example.org:443").outcome(), "403 SignatureDoesNotMatch");
  EXPECT_EQ(follow("https://file-exchange.s3.example.org", "127.0.0.1:9000", "/k").outcome(),
            "403 SignatureDoesNotMatch");
  // The same bucket, in another case or with a default port, is the same request.
  for (const std::string host :
       {"file-exchange.s3.example.org", "File-Exchange.S3.example.org", "file-exchange.s3.example.org:443"}) {
    EXPECT_EQ(follow("https://file-exchange.s3.example.org", host, "/k").body, "bytes") << host;
  }
}

class NoPublicHostTest : public ApiTest {};

TEST_F(NoPublicHostTest, CaseAndDefaultPortDoNotMatter) {
  put("/file-exchange/k", "bytes");
  const Secret url = sigv4::presign(
      {.method = "GET", .base_url = "https://files.example.org", .path = "/file-exchange/k", .query = {}}, credentials,
      "us-east-1", *sigv4::ExpiresIn::from(std::chrono::hours(1)), clock.now());
  const std::string target(url.reveal().substr(std::string_view("https://files.example.org").size()));
  for (const std::string host : {"files.example.org", "Files.Example.org", "files.example.org:443"}) {
    EXPECT_EQ(handle({"GET", target, {{"Host", host}}, "", false}, test_support::FakeRequestBody()).status, 200U)
        << host;
  }
  EXPECT_EQ(handle({"GET", target, {{"Host", "backend"}}, "", false}, test_support::FakeRequestBody()).status, 403U);
}

}  // namespace
}  // namespace s3link::server
