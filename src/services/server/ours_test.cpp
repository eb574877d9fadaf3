#include "core/base/digest.hpp"
#include "core/sigv4/sign.hpp"
#include "core/sigv4/string_to_sign.hpp"
#include "services/server/api_fixture.hpp"

namespace s3link::server {
namespace {

using testing::HasSubstr;

class OursTest : public ApiTest {
 protected:
  Reply plain(std::string method, std::string target) {
    return handle({std::move(method), std::move(target), {{"Host", "s3.test:9000"}}, "", false},
                  test_support::FakeRequestBody());
  }
};

Awaitable<Status> full_or_not(bool full) {
  if (full) co_return fail(ErrorKind::transient, "too many wait");
  co_return Status{};
}

TEST_F(OursTest, HealthNeedsNoSignature) {
  EXPECT_EQ(plain("GET", "/_/healthz").body, R"({"status":"ok"})");
  EXPECT_EQ(plain("HEAD", "/_/healthz").status, 200U);
  EXPECT_EQ(plain("GET", "/_/readyz").status, 200U);
  EXPECT_EQ(plain("POST", "/_/healthz").status, 405U);
  const Reply unknown = plain("GET", "/_/nothing");
  EXPECT_EQ(unknown.status, 404U);
  EXPECT_EQ(unknown.field("Content-Type"), "application/json");
}

TEST_F(OursTest, WhatIsReadHasNoBody) {
  for (const std::string target :
       {"/_/healthz", "/_/readyz", "/_/api/v1/deliveries", "/_/api/v1/dead-letters", "/_/metrics", "/_/nothing"}) {
    const ports::HttpRequestHead head{"GET", target, {{"Host", "s3.test:9000"}}, "", false};
    const Reply told = handle(head, test_support::FakeRequestBody("appended"));
    EXPECT_EQ(told.status, 400U) << target;
    EXPECT_THAT(told.body, HasSubstr("has no body")) << target;
    EXPECT_FALSE(told.body_was_read) << target;
    test_support::FakeRequestBody untold("appended");
    untold.declared.reset();
    EXPECT_EQ(handle(head, std::move(untold)).status, 400U) << target;
  }
  EXPECT_EQ(send({.target = "/_/api/v1/deliveries", .body = "appended"}).status, 400U);
}

/// curl before 8.3 signs without it; there is no body it could be the hash of.
TEST_F(OursTest, ReadsNeedNoPayloadHash) {
  const ports::HttpFields bare = {{"Host", "s3.test:9000"}, {"x-amz-date", amz_date(clock.now())}};
  const sigv4::SignedHeaders names = {"host", "x-amz-date"};
  const auto scope = sigv4::scope_of(clock.now(), "us-east-1", "s3");
  sigv4::SigningKeyCache keys(credentials.secret_access_key);
  const auto signed_for = [&](const std::string& method, const std::string& path) {
    const std::string canonical = sigv4::canonical_request({.method = method,
                                                            .path = path,
                                                            .query = "",
                                                            .fields = sigv4::in_signed_order(bare),
                                                            .signed_headers = names,
                                                            .payload_hash = kEmptySha256});
    ports::HttpFields fields = bare;
    fields.emplace_back("Authorization",
                        "AWS4-HMAC-SHA256 Credential=" + credentials.access_key_id + "/" + scope.text() +
                            ", SignedHeaders=host;x-amz-date, Signature=" +
                            sigv4::signature(keys.get(scope), sigv4::string_to_sign(clock.now(), scope, canonical)));
    return handle({method, path, fields, "", false}, test_support::FakeRequestBody());
  };
  EXPECT_EQ(signed_for("GET", "/_/api/v1/deliveries").status, 200U);
  EXPECT_EQ(signed_for("GET", "/_/api/v1/dead-letters").status, 200U);
  EXPECT_EQ(signed_for("POST", "/_/api/v1/dead-letters/redrive").status, 400U);
  EXPECT_EQ(signed_for("GET", "/file-exchange").outcome(), "400 InvalidRequest");
}

TEST_F(OursTest, ReadinessTellsWhyNot) {
  store.unwritable = Error{ErrorKind::transient, "fsync failed: I/O error", ""};
  const Reply reply = plain("GET", "/_/readyz");
  EXPECT_EQ(reply.status, 503U);
  EXPECT_THAT(reply.body, HasSubstr("fsync failed: I/O error"));
  EXPECT_EQ(plain("GET", "/_/healthz").status, 200U);
}

TEST_F(OursTest, ReadinessTellsEveryReason) {
  bool full = false;
  S3Api checked({.exchange_bucket = *s3::BucketName::parse(kBucket), .domain = {}}, keys, store, deliveries,
                dead_letters, redrive, clock, random, {}, {},
                {{"liveness", []() -> Awaitable<Status> { co_return Status{}; }, [] { return R"({"told":1})"; }},
                 {"outbox", [&full] { return full_or_not(full); }}});
  const auto ask = [&] {
    return handle_by(checked, {"GET", "/_/readyz", {{"Host", "s3.test:9000"}}, "", false},
                     test_support::FakeRequestBody());
  };
  EXPECT_EQ(ask().status, 200U);
  EXPECT_EQ(ask().body, R"({"status":"ready","liveness":{"told":1}})");
  full = true;
  store.unwritable = Error{ErrorKind::transient, "no space left", ""};
  EXPECT_EQ(ask().status, 503U);
  EXPECT_EQ(ask().body, R"({"error":{"code":"NotReady","message":"no space left; too many wait",)"
                        R"("reasons":[{"part":"store","message":"no space left"},)"
                        R"({"part":"outbox","message":"too many wait"}]}})");
}

TEST_F(OursTest, DeliveriesAreFilteredAndComplete) {
  ports::DeliveryRow row;
  row.event_id = 7;
  row.state = "delivered";
  row.bucket = "file-exchange";
  row.key = "a \"b\" 漢";
  row.sequencer = "0000000000000001";
  row.recipient = "you@example.org";
  row.message_id = "<x@y>";
  row.detail = "250 ok";
  row.created = clock.now();
  row.when = clock.now();
  row.trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
  deliveries.rows = {row, {}};
  deliveries.rows[1].state = "pending";
  const Reply reply = get("/_/api/v1/deliveries?state=delivered&key=a%20%22b%22%20%E6%BC%A2&limit=10");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_EQ(reply.body,
            R"({"deliveries":[{"event_id":7,"state":"delivered","bucket":"file-exchange","key":"a \"b\" 漢",)"
            R"("sequencer":"0000000000000001","recipient":"you@example.org","message_id":"<x@y>","detail":"250 ok",)"
            R"("attempts":0,"created":"2026-01-02T03:04:05.000Z","when":"2026-01-02T03:04:05.000Z","deadline":null,)"
            R"("trace":"1-5759e988-bd862e3fe1be46a994272793"}],"next":null})");
}

TEST_F(OursTest, DeliveriesThatAreCutSayWhereTheyGoOn) {
  for (const auto& [event, recipient] :
       std::vector<std::pair<std::int64_t, std::string>>{{9, ""}, {8, "a@x"}, {8, "b@x"}, {7, "a@x"}}) {
    ports::DeliveryRow row;
    row.event_id = event;
    row.recipient = recipient;
    deliveries.rows.push_back(row);
  }
  const auto next_of = [&](const std::string& query) {
    const Reply reply = get("/_/api/v1/deliveries" + query);
    const auto at = reply.body.find("\"next\":");
    return at == std::string::npos ? std::to_string(reply.status) : reply.body.substr(at + 7);
  };
  EXPECT_EQ(next_of("?limit=2"), R"("8/a@x"})");
  EXPECT_EQ(next_of("?limit=1&after=8%2Fa%40x"), R"("8/b@x"})");
  EXPECT_EQ(next_of("?limit=2&after=8%2Fa%40x"), "null}");
  EXPECT_EQ(next_of("?limit=4"), "null}");
  for (const char* const wrong : {"?after=x", "?after=8", "?after=%2Fa", "?since=yesterday", "?until=1"}) {
    EXPECT_EQ(next_of(wrong), "400") << wrong;
  }
}

TEST_F(OursTest, ObjectsAreListedWithTheTimeTheyAreRemovedAt) {
  for (const char* const key : {"a/1", "a/2", "b"}) {
    EXPECT_EQ(put(std::string("/file-exchange/") + key, "x").status, 200U);
  }
  const Reply reply = get("/_/api/v1/objects?prefix=a%2F&limit=1");
  EXPECT_EQ(reply.status, 200U);
  EXPECT_THAT(reply.body, HasSubstr(R"("key":"a/1","size_bytes":1,)"));
  EXPECT_THAT(reply.body, HasSubstr(R"("removed_at":"2026-01-03T03:04:05.000Z"}],"next":"a/1"})"));
  EXPECT_THAT(get("/_/api/v1/objects?after=a%2F1").body, HasSubstr(R"("next":null)"));
  EXPECT_EQ(get("/_/api/v1/objects?bucket=nothing").status, 404U);
  EXPECT_EQ(get("/_/api/v1/objects?bucket=A").status, 400U);
  EXPECT_EQ(plain("GET", "/_/api/v1/objects").status, 403U);
}

TEST_F(OursTest, DeliveriesNeedASignatureAndSense) {
  EXPECT_EQ(plain("GET", "/_/api/v1/deliveries").status, 403U);
  EXPECT_THAT(plain("GET", "/_/api/v1/deliveries").body, HasSubstr("\"AccessDenied\""));
  EXPECT_EQ(get("/_/api/v1/deliveries?limit=0").status, 400U);
  EXPECT_EQ(get("/_/api/v1/deliveries?limit=1001").status, 400U);
  EXPECT_EQ(get("/_/api/v1/deliveries?state=lost").status, 400U);
  deliveries.failures.push_back({ErrorKind::internal, "SQLITE_CORRUPT", ""});
  const Reply reply = get("/_/api/v1/deliveries");
  EXPECT_EQ(reply.status, 500U);
  EXPECT_THAT(reply.body, testing::Not(HasSubstr("SQLITE")));
}

}  // namespace
}  // namespace s3link::server
