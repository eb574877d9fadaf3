#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "adapters/aws/signed_call.hpp"
#include "core/base/encoding.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"
#include "support/run_sync.hpp"

/// What the tests of this folder share.
namespace s3link::aws {

using namespace test_support;          // NOLINT(google-build-using-namespace): tests
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): tests

using Answer = Result<ports::HttpClientResponse>;

inline Answer answer(unsigned status, std::string body = {}, ports::HttpFields fields = {}) {
  return ports::HttpClientResponse{.status = status, .fields = std::move(fields), .body = std::move(body)};
}
inline Answer refusal(unsigned status, const std::string& code, const std::string& message = "no") {
  return answer(status, R"({"message":")" + message + "\"}", {{"x-amzn-ErrorType", code}});
}
inline Answer not_connected() { return fail(ErrorKind::transient, "peer: refused", "connection"); }
inline Answer no_answer() { return fail(ErrorKind::transient, "peer: reset", "unknown"); }

/// AWS as a script: answers in order, then what `otherwise` says.
class ScriptedHttp final : public ports::HttpClient {
 public:
  struct Exchange {
    ports::HttpClientRequest request;
    std::string body;
    std::chrono::milliseconds limit;
    Instant at;

    /// The field's value, or "(missing)".
    std::string field(std::string_view name) const {
      const auto* const value = ports::find_field(request.fields, name);
      return value == nullptr ? "(missing)" : *value;
    }
  };

  explicit ScriptedHttp(FakeClock& clock) : clock_(clock) {}

  Awaitable<Answer> exchange(ports::HttpClientRequest request, ports::HttpBodySource* source,
                             std::chrono::milliseconds limit) override {
    std::string body;
    while (source != nullptr) {
      const auto piece = co_await source->next();
      if (piece->empty()) break;
      body += as_text(*piece);
    }
    EXPECT_EQ(body.size(), request.body_length);
    exchanges.push_back({.request = std::move(request), .body = std::move(body), .limit = limit, .at = clock_.now()});
    clock_.advance(std::min(takes, limit));
    if (takes > limit) co_return fail(ErrorKind::transient, "peer: no answer in time", "unknown");
    if (answers.empty()) co_return otherwise(exchanges.back());
    Answer next = std::move(answers.front());
    answers.pop_front();
    co_return next;
  }

  std::deque<Answer> answers;
  std::function<Answer(const Exchange&)> otherwise = [](const Exchange&) { return answer(200, "{}"); };
  std::chrono::milliseconds takes{0};  ///< each exchange; longer than its limit: no answer
  std::vector<Exchange> exchanges;

 private:
  FakeClock& clock_;
};

inline constexpr const char* kSecretKey = "SecretAccessKeyThatNobodyMaySee";
inline constexpr const char* kToken = "SessionTokenThatNobodyMaySee";

/// A caller with the credentials of a role, before AWS as a script. Pauses cost no time.
class AwsTest : public testing::Test {
 protected:
  AwsTest() { clock.skip_sleep(); }

  Instant in(std::chrono::milliseconds time) const { return clock.now() + time; }
  static Endpoint at(Service service) {
    return *endpoint_of(service, "eu-central-1", [](std::string_view) { return std::string(); });
  }
  const ScriptedHttp::Exchange& last() const { return http.exchanges.back(); }

  FakeClock clock;
  FakeRandom random;
  ScriptedHttp http{clock};
  sigv4::Credentials credentials{
      .access_key_id = "AKIDROLE", .secret_access_key = Secret(kSecretKey), .session_token = Secret(kToken)};
  Caller caller{http, credentials, "eu-central-1", clock, random};
  trace::Segment under;
};

}  // namespace s3link::aws
