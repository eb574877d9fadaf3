#include "adapters/otlp/answer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace s3link::otlp {
namespace {

using namespace std::chrono_literals;
using Kind = Verdict::Kind;

const Instant kNow = *parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT");

Verdict of(unsigned status, std::string body = {}, ports::HttpFields fields = {}) {
  return judge(ports::HttpClientResponse{status, std::move(fields), std::move(body)}, kNow);
}

// Source: OpenTelemetry Protocol Specification, "Retryable Response Codes".
TEST(Judge, FourAnswersAreWorthAnotherTry) {
  for (const unsigned status : {429U, 502U, 503U, 504U}) EXPECT_EQ(of(status).kind, Kind::again) << status;
  for (const unsigned status : {301U, 400U, 401U, 404U, 413U, 415U, 500U, 501U, 505U}) {
    EXPECT_EQ(of(status).kind, Kind::refused) << status;
  }
  EXPECT_EQ(of(404).reason, "the collector answers 404");
}

TEST(Judge, NoAnswerIsWorthAnotherTryUnlessItIsForGood) {
  EXPECT_EQ(judge(fail(ErrorKind::transient, "refused"), kNow).kind, Kind::again);
  EXPECT_EQ(judge(fail(ErrorKind::denied, "bad certificate"), kNow).kind, Kind::refused);
  EXPECT_EQ(judge(fail(ErrorKind::invalid_argument, "not HTTP"), kNow).reason, "not HTTP");
}

struct SuccessCase {
  std::string name, body;
  std::uint64_t rejected;
  std::string reason;
};
const std::vector<SuccessCase> kSuccessCases = {
    {"full", "{}", 0, ""},
    {"empty", "", 0, ""},
    {"not_json", "<html>", 0, ""},
    {"no_object", "[1]", 0, ""},
    {"partial_none", R"({"partialSuccess":{}})", 0, ""},
    {"partial_null", R"({"partialSuccess":null})", 0, ""},
    {"number_as_text", R"({"partialSuccess":{"rejectedSpans":"2","errorMessage":"too long"}})", 2, "too long"},
    {"number", R"({"partialSuccess":{"rejectedSpans":3}})", 3, ""},
    {"warning", R"({"partialSuccess":{"rejectedSpans":"0","errorMessage":"old"}})", 0, "old"},
    {"below_zero", R"({"partialSuccess":{"rejectedSpans":-3}})", 0, ""},
    {"odd_types", R"({"partialSuccess":{"rejectedSpans":[],"errorMessage":7}})", 0, ""},
};
class SuccessTest : public testing::TestWithParam<SuccessCase> {};
TEST_P(SuccessTest, SaysWhatWasRejected) {
  const Verdict verdict = of(200, GetParam().body);
  EXPECT_EQ(verdict.kind, Kind::taken);
  EXPECT_EQ(verdict.rejected, GetParam().rejected);
  EXPECT_EQ(verdict.reason, GetParam().reason);
}
INSTANTIATE_TEST_SUITE_P(Table, SuccessTest, testing::ValuesIn(kSuccessCases),
                         [](const auto& row) { return row.param.name; });

// Source: RFC 9110 §10.2.3.
TEST(Judge, RetryAfterIsReadInBothForms) {
  EXPECT_EQ(of(503, {}, {{"retry-after", "7"}}).wait, 7s);
  EXPECT_EQ(of(429, {}, {{"Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT"}}).wait, 60s);
  EXPECT_EQ(of(429, {}, {{"Retry-After", "Sun, 06 Nov 1994 08:48:37 GMT"}}).wait, 0s);
  for (const char* text : {"", "-1", "1.5", "soon", "7s", "99999999999"}) {
    EXPECT_FALSE(of(503, {}, {{"Retry-After", text}}).wait) << text;
  }
  EXPECT_FALSE(of(503).wait);
  EXPECT_FALSE(of(400, {}, {{"Retry-After", "7"}}).wait);
}

}  // namespace
}  // namespace s3link::otlp
