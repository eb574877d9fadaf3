#include "adapters/otlp/span_json.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

namespace s3link::otlp {
namespace {

namespace json = boost::json;

const trace::TraceContext kRoot = *trace::parse_xray_header("Root=1-581cf771-a006649127e371903a2de979;Sampled=1", true);
const trace::TraceContext kChild =
    *trace::parse_xray_header("Root=1-581cf771-a006649127e371903a2de979;Parent=defdfd9912dc5a56;Sampled=1", true);

/// 0000000000000001, …2, …
trace::NewSegmentId counted() {
  return [next = 0]() mutable {
    trace::SegmentId id;
    id.bytes[7] = std::byte(++next);
    return id;
  };
}

trace::Segment segment(std::string name) {
  trace::Segment out;
  out.name = std::move(name);
  out.start = from_unix_ms(1478293361271);
  out.end = from_unix_ms(1478293361449);
  return out;
}

json::object only(const trace::TraceContext& context, const trace::Segment& what) {
  const auto spans = spans_of(context, what, counted());
  EXPECT_EQ(spans.size(), 1U);
  return json::parse(spans.front()).as_object();
}

// Source: OpenTelemetry Protocol Specification, "JSON Protobuf Encoding".
TEST(SpansOf, IdsAreHexadecimalTimesAreTextsAndEnumerationsNumbers) {
  EXPECT_EQ(
      spans_of(kRoot, segment("sign"), counted()),
      std::vector<std::string>{
          R"({"traceId":"581cf771a006649127e371903a2de979","spanId":"0000000000000001","name":"sign","kind":1,)"
          R"("startTimeUnixNano":"1478293361271000000","endTimeUnixNano":"1478293361449000000","attributes":[]})"});
}

TEST(SpansOf, ChildrenNameTheirParents) {
  auto work = segment("LinkGenerator");
  work.role = trace::Role::consumer;
  work.id = kChild.parent;  // given before
  work.children.push_back(segment("relay"));
  work.children.back().children.push_back(segment("inner"));
  const auto spans = spans_of(kChild, work, counted());
  ASSERT_EQ(spans.size(), 3U);
  const auto first = json::parse(spans[0]).as_object();
  const auto second = json::parse(spans[1]).as_object();
  const auto third = json::parse(spans[2]).as_object();
  EXPECT_EQ(first.at("parentSpanId"), "defdfd9912dc5a56");
  EXPECT_EQ(first.at("spanId"), "defdfd9912dc5a56");
  EXPECT_EQ(second.at("parentSpanId"), first.at("spanId"));
  EXPECT_EQ(third.at("parentSpanId"), second.at("spanId"));
}

// trace.proto: SPAN_KIND_INTERNAL = 1, SERVER = 2, CLIENT = 3, CONSUMER = 5.
TEST(SpansOf, KindsTellWhoCalledWhom) {
  auto work = segment("x");
  EXPECT_EQ(only(kRoot, work).at("kind"), 1);
  work.name_space = "remote";
  EXPECT_EQ(only(kRoot, work).at("kind"), 3);
  work.role = trace::Role::server;
  EXPECT_EQ(only(kRoot, work).at("kind"), 2);
  work.role = trace::Role::consumer;
  EXPECT_EQ(only(kRoot, work).at("kind"), 5);
}

TEST(SpansOf, WhatIsKnownBecomesAttributes) {
  auto work = segment("s3link");
  work.http_status = 200;
  work.annotations = {{"operation", "PutObject"}, {"empty", ""}};
  work.metadata = {{"key", "a \"b\"\n\xff"}};
  EXPECT_EQ(only(kRoot, work).at("attributes"),
            json::parse(R"([{"key":"http.response.status_code","value":{"intValue":"200"}},
                            {"key":"s3link.operation","value":{"stringValue":"PutObject"}},
                            {"key":"s3link.key","value":{"stringValue":"a \"b\"\n\ufffd"}}])"));
  work = segment("SES");
  work.aws = trace::Segment::Aws{"SendEmail", "us-east-1", "r1", 2};
  EXPECT_EQ(only(kRoot, work).at("attributes"), json::parse(R"([{"key":"rpc.system","value":{"stringValue":"aws-api"}},
                            {"key":"rpc.method","value":{"stringValue":"SendEmail"}},
                            {"key":"cloud.region","value":{"stringValue":"us-east-1"}},
                            {"key":"aws.request_id","value":{"stringValue":"r1"}},
                            {"key":"s3link.retries","value":{"intValue":"2"}}])"));
}

// trace.proto: STATUS_CODE_ERROR = 2. HTTP spans: for a server, 4xx leaves the status unset.
TEST(SpansOf, FailuresHaveAStatusAndAnException) {
  auto work = segment("relay");
  work.error = true;
  work.cause = trace::Cause{"denied", "550 no such user"};
  const auto span = only(kRoot, work);
  EXPECT_EQ(span.at("status"), json::parse(R"({"message":"550 no such user","code":2})"));
  EXPECT_EQ(span.at("events"), json::parse(R"([{"timeUnixNano":"1478293361449000000","name":"exception","attributes":[
                             {"key":"exception.type","value":{"stringValue":"denied"}},
                             {"key":"exception.message","value":{"stringValue":"550 no such user"}}]}])"));
  EXPECT_EQ(span.at("attributes"), json::parse(R"([{"key":"error.type","value":{"stringValue":"denied"}}])"));
  work.role = trace::Role::server;
  EXPECT_FALSE(only(kRoot, work).contains("status"));
  work.fault = true;
  EXPECT_TRUE(only(kRoot, work).contains("status"));
}

TEST(SpansOf, AnEndBeforeTheStartIsTheStart) {
  auto work = segment("x");
  work.end = work.start - std::chrono::seconds(1);
  EXPECT_EQ(only(kRoot, work).at("endTimeUnixNano"), only(kRoot, work).at("startTimeUnixNano"));
}

TEST(SpansOf, LongTextsAreCut) {
  auto work = segment("x");
  work.metadata = {{"reply", std::string(10'000, 'a')}};
  EXPECT_EQ(only(kRoot, work).at("attributes").at(0).at("value").at("stringValue").as_string().size(), 4096U);
}

TEST(ExportRequest, NamesTheServiceAndHoldsTheSpans) {
  EXPECT_EQ(export_request({"{\"a\":1}", "{\"b\":2}"}, "1.2.3"),
            R"({"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"s3link"}},)"
            R"({"key":"service.version","value":{"stringValue":"1.2.3"}}]},"scopeSpans":[{"scope":)"
            R"({"name":"s3link","version":"1.2.3"},"spans":[{"a":1},{"b":2}]}]}]})");
}

}  // namespace
}  // namespace s3link::otlp
