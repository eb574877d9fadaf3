#include "services/pipeline/alarm_webhook.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <optional>

#include "core/alarm/notification_document.hpp"
#include "core/alarm/webhook_signature.hpp"
#include "core/base/encoding.hpp"
#include "support/fake_clock.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using test_support::run_sync;
using testing::HasSubstr;
using testing::Not;

/// Keeps what was sent and gives the answers ordered.
class FakeClient final : public ports::HttpClient {
 public:
  Awaitable<Result<ports::HttpClientResponse>> exchange(ports::HttpClientRequest request, ports::HttpBodySource* source,
                                                        std::chrono::milliseconds deadline) override {
    std::string body;
    while (true) {
      const auto piece = co_await source->next();
      if (!piece || piece->empty()) break;
      body += as_text(*piece);
    }
    EXPECT_EQ(body.size(), request.body_length);
    requests.push_back(std::move(request));
    bodies.push_back(std::move(body));
    deadlines.push_back(deadline);
    auto answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  }
  std::deque<Result<ports::HttpClientResponse>> answers;
  std::vector<ports::HttpClientRequest> requests;
  std::vector<std::string> bodies;
  std::vector<std::chrono::milliseconds> deadlines;
};

class AlarmWebhookTest : public testing::Test {
 protected:
  AlarmWebhook webhook(std::string signing_key = "shared secret") {
    return {{.scheme = "https",
             .host = "chat.example.org",
             .port = 8443,
             .authority = "chat.example.org:8443",
             .target = Secret(std::string("/hooks/s3link?token=T0KEN")),
             .signing_key = Secret(std::move(signing_key)),
             .source = source_},
            client_,
            clock_};
  }
  Status tell_answered(Result<ports::HttpClientResponse> answer) {
    client_.answers.push_back(std::move(answer));
    AlarmWebhook hook = webhook();
    return run_sync(hook.tell(notification_));
  }
  static ports::HttpClientResponse status(unsigned code) { return {code, {{"Location", "/elsewhere"}}, "text"}; }

  alarm::Source source_{.server = "http://127.0.0.1:9000", .bucket = "file-exchange", .options = ""};
  alarm::Notification notification_;
  test_support::FakeClock clock_;
  FakeClient client_;
};

TEST_F(AlarmWebhookTest, PostsTheDocumentSigned) {
  ASSERT_TRUE(tell_answered(status(204)));
  const auto& request = client_.requests.at(0);
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.scheme, "https");
  EXPECT_EQ(request.host, "chat.example.org");
  EXPECT_EQ(request.port, 8443);
  EXPECT_EQ(request.target, "/hooks/s3link?token=T0KEN");
  EXPECT_EQ(*ports::find_field(request.fields, "Host"), "chat.example.org:8443");
  EXPECT_EQ(*ports::find_field(request.fields, "Content-Type"), "application/json");
  EXPECT_EQ(client_.bodies[0], alarm::notification_document(notification_, source_));
  EXPECT_EQ(*ports::find_field(request.fields, "X-s3link-Signature"),
            alarm::webhook_signature(Secret(std::string("shared secret")), clock_.now(), client_.bodies[0]));
  EXPECT_EQ(client_.deadlines[0], std::chrono::seconds(10));
}

TEST_F(AlarmWebhookTest, WithoutASecretNothingIsSigned) {
  client_.answers.push_back(status(200));
  AlarmWebhook hook = webhook("");
  ASSERT_TRUE(run_sync(hook.tell(notification_)));
  EXPECT_EQ(ports::find_field(client_.requests[0].fields, "X-s3link-Signature"), nullptr);
}

struct AnswerCase {
  std::string name;
  unsigned status;
  std::optional<ErrorKind> want;  ///< empty: told
};
const std::vector<AnswerCase> kAnswerCases = {
    {"ok", 200, {}},
    {"accepted", 202, {}},
    {"moved", 301, ErrorKind::denied},
    {"temporary_redirect", 307, ErrorKind::denied},
    {"bad_request", 400, ErrorKind::denied},
    {"not_found", 404, ErrorKind::denied},
    {"gone", 410, ErrorKind::denied},
    {"timeout", 408, ErrorKind::transient},
    {"too_early", 425, ErrorKind::transient},
    {"too_many", 429, ErrorKind::transient},
    {"broken", 500, ErrorKind::transient},
    {"bad_gateway", 502, ErrorKind::transient},
};
class AnswerTest : public AlarmWebhookTest, public testing::WithParamInterface<AnswerCase> {};
TEST_P(AnswerTest, DecidesWhetherItIsTriedAgain) {
  const Status told = tell_answered(status(GetParam().status));
  EXPECT_EQ(told ? std::nullopt : std::optional(told.error().kind), GetParam().want);
  EXPECT_EQ(client_.requests.size(), 1U) << "redirects are not followed";
  if (!told) EXPECT_EQ(told.error().message, "answered " + std::to_string(GetParam().status));
}
INSTANTIATE_TEST_SUITE_P(Table, AnswerTest, testing::ValuesIn(kAnswerCases),
                         [](const auto& row) { return row.param.name; });

TEST_F(AlarmWebhookTest, NoAnswerMayPassAndNamesNoAddress) {
  for (const auto kind : {ErrorKind::transient, ErrorKind::denied, ErrorKind::invalid_argument}) {
    const Status told =
        tell_answered(fail(kind, "chat.example.org:8443: TLS: chat.example.org: connection refused", "connection"));
    EXPECT_EQ(told.error().kind, ErrorKind::transient);
    EXPECT_EQ(told.error().message, "webhook:8443: TLS: webhook: connection refused");
  }
}

TEST_F(AlarmWebhookTest, HostMayBePartOfItsOwnSubstitute) {
  client_.answers.push_back(fail(ErrorKind::transient, "hook:80: no answer in time", "unknown"));
  AlarmWebhook hook({.scheme = "http",
                     .host = "hook",
                     .port = 80,
                     .authority = "hook",
                     .target = Secret(std::string("/")),
                     .signing_key = {},
                     .source = source_},
                    client_, clock_);
  EXPECT_EQ(run_sync(hook.tell(notification_)).error().message, "webhook:80: no answer in time");
}

}  // namespace
}  // namespace s3link::pipeline
