#include "services/link/oauth_tokens.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <string>
#include <vector>

#include "core/base/encoding.hpp"
#include "support/fake_clock.hpp"
#include "support/run_sync.hpp"

namespace s3link::link {
namespace {

using namespace std::chrono_literals;
using test_support::run_sync;
using testing::HasSubstr;
using testing::Not;

/// A token endpoint that answers as it is told, and keeps what it was asked.
class FakeEndpoint final : public ports::HttpClient {
 public:
  Awaitable<Result<ports::HttpClientResponse>> exchange(ports::HttpClientRequest request, ports::HttpBodySource* source,
                                                        std::chrono::milliseconds) override {
    requests.push_back(std::move(request));
    const auto body = co_await source->next();
    bodies.emplace_back(as_text(*body));
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    Result<ports::HttpClientResponse> answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  }
  void say(unsigned status, std::string body) {
    answers.push_back(ports::HttpClientResponse{.status = status, .fields = {}, .body = std::move(body)});
  }
  std::deque<Result<ports::HttpClientResponse>> answers;
  std::vector<ports::HttpClientRequest> requests;
  std::vector<std::string> bodies;
};

class OauthTokensTest : public testing::Test {
 protected:
  static OauthSettings settings() {
    OauthSettings out;
    out.scheme = "https";
    out.host = "login.example";
    out.authority = "login.example";
    out.target = "/tenant/oauth2/v2.0/token";
    out.client_id = "client one";
    out.scope = "https://outlook.office365.com/.default";
    return out;
  }
  std::string current() {
    const auto token = run_sync(tokens_.current());
    return token ? std::string((*token)->reveal()) : token.error().message;
  }

  FakeEndpoint endpoint_;
  test_support::FakeClock clock_;
  OauthTokens tokens_{settings(), {Secret("s&cret"), Secret()}, endpoint_, clock_};
};

TEST_F(OauthTokensTest, AsksWithTheClientsCredentials) {
  endpoint_.say(200, R"({"token_type":"Bearer","expires_in":3599,"access_token":"ey1"})");
  EXPECT_EQ(current(), "ey1");
  ASSERT_EQ(endpoint_.requests.size(), 1U);
  EXPECT_EQ(endpoint_.requests[0].method, "POST");
  EXPECT_EQ(endpoint_.requests[0].target, "/tenant/oauth2/v2.0/token");
  EXPECT_EQ(endpoint_.bodies[0],
            "grant_type=client_credentials&client_id=client%20one&client_secret=s%26cret"
            "&scope=https%3A%2F%2Foutlook.office365.com%2F.default");
}

TEST_F(OauthTokensTest, KeepsATokenUntilShortlyBeforeItsEnd) {
  endpoint_.say(200, R"({"expires_in":"3600","access_token":"ey1"})");
  endpoint_.say(200, R"({"expires_in":3600,"access_token":"ey2"})");
  EXPECT_EQ(current(), "ey1");
  clock_.advance(54min);
  EXPECT_EQ(current(), "ey1");
  clock_.advance(2min);
  EXPECT_EQ(current(), "ey2");
  EXPECT_EQ(endpoint_.requests.size(), 2U);
}

TEST_F(OauthTokensTest, AClockThatIsSetMakesATokenLiveNoLonger) {
  endpoint_.say(200, R"({"expires_in":3600,"access_token":"ey1"})");
  endpoint_.say(200, R"({"expires_in":3600,"access_token":"ey2"})");
  EXPECT_EQ(current(), "ey1");
  clock_.step(-1h);
  clock_.advance(56min);
  EXPECT_EQ(current(), "ey2");
}

TEST_F(OauthTokensTest, RefreshTokenIsUsedAndReplaced) {
  tokens_.use({Secret(), Secret("r1")});
  endpoint_.say(200, R"({"expires_in":60,"access_token":"ey1","refresh_token":"r2"})");
  endpoint_.say(200, R"({"expires_in":60,"access_token":"ey2"})");
  EXPECT_EQ(current(), "ey1");
  clock_.advance(61s);
  EXPECT_EQ(current(), "ey2");
  EXPECT_THAT(endpoint_.bodies[0], HasSubstr("grant_type=refresh_token&client_id=client%20one&refresh_token=r1&"));
  EXPECT_THAT(endpoint_.bodies[1], HasSubstr("refresh_token=r2"));
}

TEST_F(OauthTokensTest, RefusedTokenIsReplacedOnce) {
  endpoint_.say(200, R"({"expires_in":3600,"access_token":"ey1"})");
  endpoint_.say(200, R"({"expires_in":3600,"access_token":"ey2"})");
  const auto first = run_sync(tokens_.current());
  const auto other = run_sync(tokens_.after_refusal_of(*first));
  EXPECT_EQ((*other)->reveal(), "ey2");
  // Another caller, whose token was refused as well, gets the new one.
  const auto again = run_sync(tokens_.after_refusal_of(*first));
  EXPECT_EQ((*again)->reveal(), "ey2");
  EXPECT_EQ(endpoint_.requests.size(), 2U);
}

TEST_F(OauthTokensTest, ManyCallersAskOnce) {
  endpoint_.say(200, R"({"expires_in":3600,"access_token":"ey1"})");
  asio::io_context io;
  int got = 0;
  for (int i = 0; i < 20; ++i) {
    asio::co_spawn(io, tokens_.current(),
                   [&got](std::exception_ptr failure, const Result<ports::LoginSecrets::Shared>& token) {
                     EXPECT_FALSE(failure);
                     got += token && (*token)->reveal() == "ey1" ? 1 : 0;
                   });
  }
  io.run();
  EXPECT_EQ(got, 20);
  EXPECT_EQ(endpoint_.requests.size(), 1U);
}

struct RefusalCase {
  std::string name;
  unsigned status;
  std::string body;
  ErrorKind kind;
  std::string message;  // part of it
};
class OauthRefusalTest : public OauthTokensTest, public testing::WithParamInterface<RefusalCase> {};
TEST_P(OauthRefusalTest, IsToldInTheEndpointsWords) {
  endpoint_.say(GetParam().status, GetParam().body);
  const auto token = run_sync(tokens_.current());
  ASSERT_FALSE(token);
  EXPECT_EQ(to_string(token.error().kind), to_string(GetParam().kind));
  EXPECT_THAT(token.error().message, HasSubstr(GetParam().message));
  EXPECT_THAT(token.error().message, HasSubstr("email.oauth.token_url"));
  EXPECT_THAT(token.error().message, Not(HasSubstr("s&cret")));
  // The next one is asked for anew.
  endpoint_.say(200, R"({"access_token":"ey9"})");
  EXPECT_EQ(current(), "ey9");
}
const std::vector<RefusalCase> kRefusalCases = {
    {"wrong_secret", 401,
     R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."})",
     ErrorKind::denied, "invalid_client: AADSTS7000215: Invalid client secret provided. (check email.oauth.client_id"},
    {"old_refresh_token", 400, R"({"error":"invalid_grant"})", ErrorKind::denied, "email.oauth.refresh_token_file"},
    {"wrong_scope", 400, R"({"error":"invalid_scope"})", ErrorKind::denied, "email.oauth.scope"},
    {"echoes_the_secret", 400, R"({"error":"x","error_description":"client_secret=s&cret, bad"})", ErrorKind::denied,
     "(removed)"},
    {"busy", 503, "<html>later</html>", ErrorKind::transient, "answered 503"},
    {"throttled", 429, R"({"error":"temporarily_unavailable"})", ErrorKind::transient, "temporarily_unavailable"},
    {"not_found", 404, "", ErrorKind::denied, "answered 404"},
    {"no_token", 200, R"({"token_type":"Bearer"})", ErrorKind::transient, "the answer holds none"},
    {"no_json", 200, "ok", ErrorKind::transient, "the answer holds none"},
};
INSTANTIATE_TEST_SUITE_P(Table, OauthRefusalTest, testing::ValuesIn(kRefusalCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(OauthTokensTest, EndpointThatIsAwayIsTransient) {
  endpoint_.answers.emplace_back(fail(ErrorKind::denied, "login.example: certificate does not verify"));
  const auto token = run_sync(tokens_.current());
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().kind, ErrorKind::transient);
}

}  // namespace
}  // namespace s3link::link
