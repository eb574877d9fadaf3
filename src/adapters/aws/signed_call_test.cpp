#include "adapters/aws/signed_call.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapters/aws/aws_fixture_test.hpp"
#include "core/base/digest.hpp"
#include "core/sigv4/sign.hpp"

namespace s3link::aws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

class SignedCallTest : public AwsTest {
 protected:
  static Call a_call(bool idempotent = false) {
    return {.operation = "SendEmail",
            .target = "/v2/email/outbound-emails",
            .fields = {{"Content-Type", "application/json"}},
            .body = Secret("{\"a\":1}"),
            .idempotent = idempotent,
            .host_prefix = {}};
  }
  CallResult make(Call call, std::chrono::milliseconds time = 25s) { return make(ses, std::move(call), time); }
  CallResult make(const Endpoint& endpoint, Call call, std::chrono::milliseconds time = 25s) {
    return run_sync(caller.call(endpoint, std::move(call), in(time), under));
  }
  /// How long the pauses before each retry were.
  std::vector<std::chrono::milliseconds> pauses() const {
    std::vector<std::chrono::milliseconds> out;
    const auto ends = clock.sleeps();
    for (std::size_t i = 0; i < ends.size(); ++i) out.push_back(ends[i] - http.exchanges[i].at);
    return out;
  }
  const trace::Segment& segment() const { return under.children.back(); }

  const Endpoint ses = at(Service::ses);
};

/// What signing the same request again gives.
std::string signed_again(const ScriptedHttp::Exchange& sent, const sigv4::Credentials& credentials,
                         std::string_view service) {
  sigv4::OutgoingRequest again{.method = sent.request.method,
                               .host = sent.field("Host"),
                               .target = sent.request.target,
                               .fields = sent.request.fields};
  sigv4::sign_request(again, credentials, "eu-central-1", service, hex_encode(sha256(sent.body)),
                      *parse_amz_date(sent.field("x-amz-date")));
  return *ports::find_field(again.fields, "Authorization");
}

TEST_F(SignedCallTest, ARequestIsSignedForServiceAndRegion) {
  ASSERT_TRUE(make(a_call()));
  ASSERT_THAT(http.exchanges, SizeIs(1));
  const auto& request = last().request;
  EXPECT_EQ(request.scheme, "https");
  EXPECT_EQ(request.host, "email.eu-central-1.amazonaws.com");
  EXPECT_EQ(request.port, 443);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v2/email/outbound-emails");
  EXPECT_EQ(last().body, "{\"a\":1}");
  EXPECT_EQ(last().field("Host"), "email.eu-central-1.amazonaws.com");
  EXPECT_EQ(last().field("Content-Type"), "application/json");
  EXPECT_EQ(last().field("x-amz-date"), amz_date(clock.now()));
  EXPECT_EQ(last().field("x-amz-security-token"), kToken);
  EXPECT_EQ(last().field("x-amz-content-sha256"), "(missing)");
  EXPECT_THAT(last().field("Authorization"),
              StartsWith("AWS4-HMAC-SHA256 Credential=AKIDROLE/20260102/eu-central-1/ses/aws4_request,SignedHeaders="
                         "content-type;host;x-amz-date;x-amz-security-token,Signature="));
  EXPECT_EQ(last().field("Authorization"), signed_again(last(), credentials, "ses"));
}

TEST_F(SignedCallTest, S3IsToldTheBodysHash) {
  Call call{.operation = "ListObjectsV2",
            .method = "GET",
            .target = "/?list-type=2",
            .fields = {},
            .body = {},
            .idempotent = true,
            .host_prefix = "bucket."};
  ASSERT_TRUE(make(at(Service::s3), std::move(call)));
  EXPECT_EQ(last().request.host, "bucket.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(last().field("Host"), "bucket.s3.eu-central-1.amazonaws.com");
  EXPECT_EQ(last().field("x-amz-content-sha256"), kEmptySha256);
  EXPECT_EQ(last().field("Authorization"), signed_again(last(), credentials, "s3"));
}

TEST_F(SignedCallTest, AnEndpointsPathAndPortAreKept) {
  const Endpoint endpoint = *endpoint_of(Service::ses, "eu-central-1", [](std::string_view name) {
    return std::string(name == "AWS_ENDPOINT_URL_SESV2" ? "http://127.0.0.1:4566/aws%20ses" : "");
  });
  ASSERT_TRUE(make(endpoint, a_call()));
  EXPECT_EQ(last().request.scheme, "http");
  EXPECT_EQ(last().request.port, 4566);
  EXPECT_EQ(last().request.target, "/aws%20ses/v2/email/outbound-emails");
  EXPECT_EQ(last().field("Host"), "127.0.0.1:4566");
  EXPECT_EQ(last().field("Authorization"), signed_again(last(), credentials, "ses"));
}

struct OutcomeCase {
  std::string name;
  std::function<Answer()> first;
  bool idempotent;
  std::size_t exchanges;  ///< with a second answer of 200
  // Where the first is the last one:
  std::string code = {};
  ErrorKind kind = ErrorKind::internal;
  bool maybe_done = false;
};
const auto kGateway = [] { return answer(502, "<html>Bad Gateway</html>"); };
const std::vector<OutcomeCase> kOutcomeCases = {
    {"Throttled", [] { return refusal(429, "TooManyRequestsException"); }, false, 2},
    {"Unavailable", [] { return refusal(503, "ServiceUnavailableException"); }, false, 2},
    {"Internal", [] { return refusal(500, "InternalServiceErrorException"); }, false, 2},
    {"NotConnected", not_connected, false, 2},
    {"LostButIdempotent", no_answer, true, 2},
    {"GatewayButIdempotent", kGateway, true, 2},
    {"Lost", no_answer, false, 1, "unknown", ErrorKind::transient, true},
    {"Gateway", kGateway, false, 1, "unknown", ErrorKind::transient, true},
    {"Rejected", [] { return refusal(400, "MessageRejected"); }, true, 1, "MessageRejected",
     ErrorKind::invalid_argument},
    {"Denied", [] { return refusal(403, "AccessDeniedException"); }, true, 1, "AccessDeniedException",
     ErrorKind::denied},
    {"DailyQuota", [] { return refusal(429, "TooManyRequestsException", "Daily message quota exceeded."); }, true, 1,
     "TooManyRequestsException", ErrorKind::transient},
    {"Certificate", [] { return Answer(fail(ErrorKind::denied, "h: certificate", "connection")); }, true, 1,
     "connection", ErrorKind::denied},
    {"NotHttp", [] { return Answer(fail(ErrorKind::invalid_argument, "not understood", "unknown")); }, true, 1,
     "unknown", ErrorKind::invalid_argument, true},
    {"ProxyRefuses", [] { return answer(403, "<html>Forbidden</html>"); }, true, 1, "unknown", ErrorKind::denied, true},
};
class CallOutcomeTest : public SignedCallTest, public testing::WithParamInterface<OutcomeCase> {};
TEST_P(CallOutcomeTest, IsTriedAgainOrReturned) {
  const auto& row = GetParam();
  http.answers.push_back(row.first());
  const auto result = make(a_call(row.idempotent));
  EXPECT_THAT(http.exchanges, SizeIs(row.exchanges));
  EXPECT_EQ(segment().aws->retries, row.exchanges - 1);
  ASSERT_EQ(result.has_value(), row.exchanges == 2);
  if (result) {
    EXPECT_EQ(http.exchanges[1].body, http.exchanges[0].body);
    return;
  }
  EXPECT_EQ(result.error().error.code, row.code);
  EXPECT_EQ(result.error().error.kind, row.kind);
  EXPECT_EQ(result.error().maybe_done, row.maybe_done);
}
INSTANTIATE_TEST_SUITE_P(Table, CallOutcomeTest, testing::ValuesIn(kOutcomeCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(SignedCallTest, TheFailureHoldsStatusAndDocument) {
  http.answers.push_back(answer(400, R"({"__type":"ns#Condition","message":"m","Item":{}})"));
  const auto result = make(a_call());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().status, 400U);
  EXPECT_THAT(result.error().body, HasSubstr("Item"));
}

TEST_F(SignedCallTest, WhatAnEarlierAttemptMayHaveDoneIsNotForgotten) {
  http.answers = {no_answer(), refusal(400, "ValidationException")};
  const auto result = make(a_call(true));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.code, "ValidationException");
  EXPECT_TRUE(result.error().maybe_done);
}

TEST_F(SignedCallTest, PausesGrowAndAreJittered) {
  http.otherwise = [](const auto&) { return refusal(503, "ServiceUnavailableException"); };
  ASSERT_FALSE(make(a_call(), 60s));
  const auto got = pauses();
  ASSERT_GE(got.size(), 8U);
  auto most = 100ms;
  bool jittered = false;
  for (const auto pause : got) {
    EXPECT_GE(pause, most / 2);
    EXPECT_LE(pause, most);
    jittered = jittered || pause != most;
    most = std::min<std::chrono::milliseconds>(2 * most, 5s);
  }
  EXPECT_TRUE(jittered);
}

TEST_F(SignedCallTest, AThrottledCallWaitsLonger) {
  http.answers.push_back(refusal(400, "ThrottlingException"));
  ASSERT_TRUE(make(a_call()));
  ASSERT_THAT(pauses(), SizeIs(1));
  EXPECT_GE(pauses()[0], 200ms);
}

TEST_F(SignedCallTest, NothingIsTriedAfterTheDeadline) {
  http.otherwise = [](const auto&) { return not_connected(); };
  const Instant deadline = in(3s);
  const auto result = make(a_call(), 3s);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.code, "connection");
  EXPECT_GT(http.exchanges.size(), 3U);
  EXPECT_LT(clock.now(), deadline);
  for (const auto& exchange : http.exchanges) EXPECT_LE(exchange.at + exchange.limit, deadline);
}

TEST_F(SignedCallTest, WithoutTimeNothingIsSent) {
  const auto result = make(a_call(), 0s);
  ASSERT_FALSE(result);
  EXPECT_THAT(http.exchanges, IsEmpty());
  EXPECT_EQ(result.error().error.code, "connection");
  EXPECT_EQ(result.error().error.kind, ErrorKind::transient);
  EXPECT_FALSE(result.error().maybe_done);
  EXPECT_THAT(under.children, SizeIs(1));
}

TEST_F(SignedCallTest, AHungAttemptLeavesTimeForAnother) {
  http.takes = 1h;
  const Instant deadline = in(12s);
  ASSERT_FALSE(make(a_call(true), 12s));
  EXPECT_GE(http.exchanges.size(), 3U);
  EXPECT_LE(clock.now(), deadline);
}

TEST_F(SignedCallTest, WhatCannotBeRepeatedHasHalfTheTime) {
  http.takes = 1h;
  const auto result = make(a_call(false), 20s);
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().maybe_done);
  ASSERT_THAT(http.exchanges, SizeIs(1));
  EXPECT_EQ(last().limit, 10s);
}

/// AWS, whose clock is right: refuses what was signed 5 minutes off.
std::function<Answer(const ScriptedHttp::Exchange&)> with_clock(Instant now, const std::string& code) {
  return [now, code](const ScriptedHttp::Exchange& exchange) {
    const Instant stamp = *parse_amz_date(exchange.field("x-amz-date"));
    if (std::chrono::abs(stamp - now) <= 5min) return answer(200, "{}");
    auto refused = refusal(403, code, "Signature expired");
    refused->fields.emplace_back("Date", http_date(now));
    return refused;
  };
}

class ClockSkewTest : public SignedCallTest, public testing::WithParamInterface<const char*> {};
TEST_P(ClockSkewTest, IsPutRightAndRemembered) {
  const Instant right = clock.now() + 3h;
  http.otherwise = with_clock(right, GetParam());
  ASSERT_TRUE(make(a_call()));
  EXPECT_THAT(http.exchanges, SizeIs(2));
  EXPECT_EQ(last().field("x-amz-date"), amz_date(right));
  EXPECT_THAT(clock.sleeps(), IsEmpty());
  ASSERT_TRUE(make(a_call()));
  EXPECT_THAT(http.exchanges, SizeIs(3));
}
INSTANTIATE_TEST_SUITE_P(Codes, ClockSkewTest,
                         testing::Values("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed",
                                         "RequestExpired"));

TEST_F(SignedCallTest, AClockThatWasFastIsPutRightToo) {
  http.otherwise = with_clock(clock.now() - 24h, "InvalidSignatureException");
  EXPECT_TRUE(make(a_call()));
}

TEST_F(SignedCallTest, TheClockIsPutRightOnceACall) {
  Instant theirs = clock.now() + 1h;
  http.otherwise = [&](const auto& exchange) { return with_clock(theirs += 1h, "RequestExpired")(exchange); };
  const auto result = make(a_call());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().error.kind, ErrorKind::denied);
  EXPECT_THAT(http.exchanges, SizeIs(2));
}

TEST_F(SignedCallTest, AWrongSecretIsNoWrongClock) {
  auto refused = refusal(403, "SignatureDoesNotMatch");
  refused->fields.emplace_back("Date", http_date(clock.now()));
  http.answers.push_back(std::move(refused));
  EXPECT_FALSE(make(a_call()));
  EXPECT_THAT(http.exchanges, SizeIs(1));
}

TEST_F(SignedCallTest, ASuccessIsTraced) {
  http.takes = 40ms;
  const Instant begin = clock.now();
  http.answers.push_back(answer(200, "{}", {{"x-amzn-RequestId", "id-1"}}));
  ASSERT_TRUE(make(a_call()));
  ASSERT_THAT(under.children, SizeIs(1));
  const trace::Segment want{
      .name = "SES",
      .name_space = "aws",
      .start = begin,
      .end = begin + 40ms,
      .cause = std::nullopt,
      .aws =
          trace::Segment::Aws{.operation = "SendEmail", .region = "eu-central-1", .request_id = "id-1", .retries = 0},
      .http_status = 200,
      .annotations = {},
      .metadata = {},
      .children = {}};
  EXPECT_EQ(segment(), want);
}

struct TraceCase {
  std::string name;
  std::function<Answer()> last;
  unsigned status;
  bool error, fault, throttle;
  std::string type;
};
const std::vector<TraceCase> kTraceCases = {
    {"Refused", [] { return refusal(400, "MessageRejected"); }, 400, true, false, false, "MessageRejected"},
    {"Throttled", [] { return refusal(429, "TooManyRequestsException", "Daily message quota exceeded."); }, 429, true,
     false, true, "TooManyRequestsException"},
    {"Gateway", [] { return answer(502); }, 502, false, true, false, "unknown"},
    {"Lost", no_answer, 0, false, true, false, "unknown"},
};
class CallTraceTest : public SignedCallTest, public testing::WithParamInterface<TraceCase> {};
TEST_P(CallTraceTest, AFailureIsTraced) {
  const auto& row = GetParam();
  http.answers = {refusal(500, "InternalFailure"), row.last()};
  ASSERT_FALSE(make(a_call()));
  ASSERT_THAT(under.children, SizeIs(1));
  EXPECT_EQ(segment().http_status, row.status);
  EXPECT_EQ(segment().error, row.error);
  EXPECT_EQ(segment().fault, row.fault);
  EXPECT_EQ(segment().throttle, row.throttle);
  EXPECT_EQ(segment().aws->retries, 1U);
  ASSERT_TRUE(segment().cause);
  EXPECT_EQ(segment().cause->type, row.type);
  EXPECT_EQ(segment().end, clock.now());
}
INSTANTIATE_TEST_SUITE_P(Table, CallTraceTest, testing::ValuesIn(kTraceCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(SignedCallTest, SecretsAreInNoErrorAndNoSegment) {
  http.answers.push_back(refusal(403, "SignatureDoesNotMatch",
                                 std::string("wrong. The Canonical String for this request should have been 'POST / "
                                             "x-amz-security-token:") +
                                     kToken));
  const auto quoted = make(a_call());
  ASSERT_FALSE(quoted);
  EXPECT_EQ(quoted.error().error.message, "wrong.");
  EXPECT_EQ(segment().cause->message, "wrong.");

  http.answers.push_back(Answer(fail(ErrorKind::transient, std::string("odd: ") + kToken + kSecretKey, "unknown")));
  const auto odd = make(a_call());
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().error.message, "odd:");
  EXPECT_EQ(segment().cause->message, "odd:");
}

}  // namespace
}  // namespace s3link::aws
