#include "services/server/request_traces.hpp"

#include "services/server/api_fixture.hpp"
#include "support/fake_trace_sink.hpp"

namespace s3link::server {
namespace {

using Entries = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kTrace = "1-5759e988-bd862e3fe1be46a994272793";

class RequestTracesTest : public ApiTest {
 protected:
  /// The last request's segment as it is reported; nothing: it is not.
  std::optional<trace::Segment> reported() {
    test_support::FakeTraceSink sink;
    RequestTraces(sink).finished({}, records.all.back());
    if (sink.segments.empty()) return std::nullopt;
    EXPECT_EQ(sink.contexts.front(), records.all.back().trace);
    return sink.segments.front();
  }
};

TEST_F(RequestTracesTest, AnUploadContinuesItsCallersTrace) {
  const auto reply =
      put("/file-exchange/a", "12345",
          {{"X-Amzn-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"}});
  EXPECT_EQ(reply.field("x-amzn-trace-id"), std::string("Root=") + kTrace + ";Sampled=1");
  const auto segment = reported();
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->name, "s3link");
  EXPECT_EQ(segment->role, trace::Role::server);
  EXPECT_EQ(segment->http_status, 200U);
  EXPECT_FALSE(segment->error || segment->fault);
  EXPECT_EQ(segment->annotations, (Entries{{"operation", "PutObject"},
                                           {"bucket", "file-exchange"},
                                           {"request_id", reply.field("x-amz-request-id")}}));
  EXPECT_EQ(segment->metadata, (Entries{{"key", "a"}}));
  const auto& record = records.all.back();
  EXPECT_EQ(trace::hex_text(*record.trace.parent), "53995c3f42cd8ad8");
  ASSERT_EQ(store.events.size(), 1U);
  EXPECT_EQ(store.events.front().origin.trace,
            std::string("Root=") + kTrace + ";Parent=" + trace::hex_text(record.segment) + ";Sampled=1")
      << "the event names the request as its parent";
  EXPECT_EQ(segment->id, record.segment);
}

TEST_F(RequestTracesTest, ACompletedMultipartUploadsEventNamesItsTrace) {
  const auto created = post("/file-exchange/a?uploads", "");
  const std::string id = created.element("UploadId");
  const auto part = put("/file-exchange/a?partNumber=1&uploadId=" + id, "12345");
  const auto done = post("/file-exchange/a?uploadId=" + id,
                         "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>" + part.field("ETag") +
                             "</ETag></Part></CompleteMultipartUpload>",
                         {{"X-Amzn-Trace-Id", std::string("Root=") + kTrace}});
  ASSERT_EQ(done.outcome(), "200");
  ASSERT_EQ(store.events.size(), 1U);
  EXPECT_EQ(trace::xray_id_of(store.events.front().origin.trace), kTrace);
}

TEST_F(RequestTracesTest, AW3cTraceIsContinued) {
  const auto reply =
      get("/file-exchange/none", {{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}});
  EXPECT_EQ(reply.field("x-amzn-trace-id"), "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Sampled=1");
  const auto segment = reported();
  ASSERT_TRUE(segment);
  EXPECT_TRUE(segment->error);
  EXPECT_FALSE(segment->fault);
  EXPECT_EQ(segment->cause->type, "NoSuchKey");
}

TEST_F(RequestTracesTest, WithoutACallersATraceIsBegun) {
  const auto first = get("/file-exchange/none");
  EXPECT_FALSE(records.all.back().trace.parent);
  const auto second = get("/file-exchange/none", {{"X-Amzn-Trace-Id", "nonsense"}});
  EXPECT_NE(first.field("x-amzn-trace-id"), second.field("x-amzn-trace-id"));
  // The time of the first request in hexadecimal seconds comes first.
  EXPECT_TRUE(first.field("x-amzn-trace-id").starts_with("Root=1-695735a5-"));
}

TEST_F(RequestTracesTest, WhatTheCallerDoesNotRecordIsNotReported) {
  const auto reply = put("/file-exchange/a", "1", {{"X-Amzn-Trace-Id", std::string("Root=") + kTrace + ";Sampled=0"}});
  EXPECT_EQ(reply.field("x-amzn-trace-id"), std::string("Root=") + kTrace + ";Sampled=0");
  EXPECT_FALSE(reported());
}

TEST_F(RequestTracesTest, ARefusedRequestIsReportedWithoutWhatItNamed) {
  send({.target = "/file-exchange/k", .signed_by = "another secret"});
  const auto segment = reported();
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->http_status, 403U);
  EXPECT_TRUE(segment->error);
  EXPECT_TRUE(segment->metadata.empty());
}

TEST_F(RequestTracesTest, OurOwnPathsAreNotReported) {
  handle({"GET", "/_/healthz", {}, "192.0.2.7", false}, test_support::FakeRequestBody());
  EXPECT_FALSE(reported());
}

}  // namespace
}  // namespace s3link::server
