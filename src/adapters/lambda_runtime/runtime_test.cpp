#include "adapters/lambda_runtime/runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstdlib>
#include <deque>
#include <functional>
#include <stdexcept>

#include "core/base/encoding.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"
#include "support/run_sync.hpp"

namespace s3link::lambda_runtime {
namespace {

using namespace std::chrono_literals;
using ports::HttpClientResponse;
using ports::Invocation;
using ports::InvocationError;
using test_support::run_sync;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;
using Response = Result<HttpClientResponse>;
using Outcome = std::expected<std::string, InvocationError>;

// Waits until it is cancelled.
Awaitable<void> wait_for_cancellation() {
  co_await asio::this_coro::throw_if_cancelled(false);
  asio::steady_timer timer(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  co_await asio::this_coro::throw_if_cancelled(true);
}

// The Runtime API as a script. Once it has nothing left to give, `next` waits, as the real one does, and `idle` is
// called.
class FakeApi final : public ports::HttpClient {
 public:
  struct Post {
    std::string target, body, error_type;
  };

  Awaitable<Response> exchange(ports::HttpClientRequest request, ports::HttpBodySource* source,
                               std::chrono::milliseconds) override {
    EXPECT_EQ(request.scheme, "http");
    EXPECT_EQ(request.host, "127.0.0.1");
    EXPECT_EQ(request.port, 9001);
    if (request.method == "GET") {
      EXPECT_EQ(request.target, "/2018-06-01/runtime/invocation/next");
      if (!next.empty()) co_return take(next);
      idle();
      co_await wait_for_cancellation();
      co_return fail(ErrorKind::transient, "cancelled", "unknown");
    }
    EXPECT_EQ(request.method, "POST");
    Post post{request.target, {}, {}};
    while (true) {
      const auto piece = co_await source->next();
      if (piece->empty()) break;
      post.body += as_text(*piece);
    }
    EXPECT_EQ(post.body.size(), request.body_length);
    if (const auto* const type = ports::find_field(request.fields, "Lambda-Runtime-Function-Error-Type")) {
      post.error_type = *type;
    }
    posts.push_back(std::move(post));
    if (!answers.empty()) co_return take(answers);
    co_return HttpClientResponse{202, {}, R"({"status":"OK"})"};
  }

  std::deque<Response> next;
  std::deque<Response> answers;  // to POSTs; then 202
  std::function<void()> idle;
  std::vector<Post> posts;

 private:
  static Response take(std::deque<Response>& from) {
    Response front = std::move(from.front());
    from.pop_front();
    return front;
  }
};

class FakeHandler final : public ports::InvocationHandler {
 public:
  Awaitable<Outcome> handle(Invocation invocation) override {
    const char* const trace = std::getenv("_X_AMZN_TRACE_ID");  // NOLINT(concurrency-mt-unsafe)
    traces.emplace_back(trace == nullptr ? "unset" : trace);
    seen.push_back(invocation);
    if (before) before();
    if (hangs) {
      co_await wait_for_cancellation();
      ++cancelled;
      co_return "\"too late\"";
    }
    if (throws) throw std::runtime_error("out of luck");
    co_return result;
  }

  Outcome result = "{}";
  bool hangs = false;
  bool throws = false;
  std::function<void()> before;
  std::vector<Invocation> seen;
  std::vector<std::string> traces;
  int cancelled = 0;
};

class RuntimeTest : public testing::Test {
 protected:
  RuntimeTest() {
    api.idle = [this] { runtime.stop(); };
  }

  Response invocation(const std::string& id, const std::string& payload = "{}", const std::string& trace = "Root=1") {
    return HttpClientResponse{200,
                              {{"Lambda-Runtime-Aws-Request-Id", id},
                               {"Lambda-Runtime-Deadline-Ms", std::to_string(to_unix_ms(clock.now() + 30s))},
                               {"Lambda-Runtime-Trace-Id", trace},
                               {"Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x"}},
                              payload};
  }
  static Response status(unsigned code, std::string body = {}) { return HttpClientResponse{code, {}, std::move(body)}; }
  static Response lost() { return fail(ErrorKind::transient, "reset", "unknown"); }
  static Response unreachable() { return fail(ErrorKind::transient, "refused", "connection"); }

  test_support::FakeClock clock;
  test_support::FakeLogger logger;
  FakeApi api;
  FakeHandler handler;
  Runtime runtime{{.host = "127.0.0.1", .port = 9001}, api, handler, clock, logger};
};

TEST_F(RuntimeTest, InvocationsAreHandledAndAnswered) {
  api.next = {invocation("id-1", "[1]", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"), invocation("id-2")};
  handler.result = "{\"a\":1}";
  EXPECT_TRUE(run_sync(runtime.run()));
  ASSERT_THAT(handler.seen, SizeIs(2));
  EXPECT_EQ(handler.seen[0].request_id, "id-1");
  EXPECT_EQ(handler.seen[0].payload, "[1]");
  EXPECT_EQ(handler.seen[0].deadline, clock.now() + 30s);
  EXPECT_EQ(handler.seen[0].function_arn, "arn:aws:lambda:x");
  EXPECT_EQ(handler.seen[0].trace_header, "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
  ASSERT_THAT(api.posts, SizeIs(2));
  EXPECT_EQ(api.posts[0].target, "/2018-06-01/runtime/invocation/id-1/response");
  EXPECT_EQ(api.posts[0].body, "{\"a\":1}");
  EXPECT_EQ(api.posts[1].target, "/2018-06-01/runtime/invocation/id-2/response");
  EXPECT_THAT(logger.lines, IsEmpty());
}

TEST_F(RuntimeTest, TheTraceStandsInTheEnvironmentWhileItsInvocationRuns) {
  api.next = {invocation("1", "{}", "Root=1;Parent=2"), invocation("2", "{}", "")};
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_THAT(handler.traces, ElementsAre("Root=1;Parent=2", "unset"));
}

TEST_F(RuntimeTest, AFailureBecomesAnErrorDocument) {
  api.next = {invocation("1")};
  handler.result = std::unexpected(InvocationError{"s3link.InvalidEvent", "no Records"});
  EXPECT_TRUE(run_sync(runtime.run()));
  ASSERT_THAT(api.posts, SizeIs(1));
  EXPECT_EQ(api.posts[0].target, "/2018-06-01/runtime/invocation/1/error");
  EXPECT_EQ(api.posts[0].error_type, "s3link.InvalidEvent");
  EXPECT_EQ(api.posts[0].body, R"({"errorType":"s3link.InvalidEvent","errorMessage":"no Records","stackTrace":[]})");
}

TEST_F(RuntimeTest, AnExceptionIsAnAnswerAndNotTheEnd) {
  api.next = {invocation("1"), invocation("2")};
  handler.throws = true;
  EXPECT_TRUE(run_sync(runtime.run()));
  ASSERT_THAT(api.posts, SizeIs(2));
  EXPECT_EQ(api.posts[0].error_type, "s3link.Internal");
  EXPECT_THAT(api.posts[0].body, HasSubstr("out of luck"));
}

TEST_F(RuntimeTest, AHandlerThatHangsIsCancelledAndAnsweredForBeforeTheDeadline) {
  const Instant deadline = clock.now() + 30s;
  api.next = {invocation("1"), invocation("2")};
  handler.hangs = true;
  handler.before = [&] {
    if (handler.seen.size() == 2) handler.hangs = false;
    clock.advance(29'800ms - (clock.now() - (deadline - 30s)));
  };
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_EQ(clock.now(), deadline - 200ms);
  EXPECT_EQ(handler.cancelled, 1);
  ASSERT_THAT(api.posts, SizeIs(2));
  EXPECT_EQ(api.posts[0].target, "/2018-06-01/runtime/invocation/1/error");
  EXPECT_EQ(api.posts[0].error_type, "s3link.Timeout");
  EXPECT_EQ(api.posts[1].target, "/2018-06-01/runtime/invocation/2/response");
}

TEST_F(RuntimeTest, AQuickHandlerIsNotTooLateWhateverTheClockSays) {
  auto late = invocation("1");
  late->fields[1].second = std::to_string(to_unix_ms(clock.now() - 1h));
  api.next = {late};
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_EQ(api.posts.at(0).target, "/2018-06-01/runtime/invocation/1/response");
}

TEST_F(RuntimeTest, WhatIsNoInvocationIsPassedOver) {
  api.next = {status(200, "{}"), invocation("a/../b"), invocation(std::string(200, 'x')), invocation("ok")};
  EXPECT_TRUE(run_sync(runtime.run()));
  ASSERT_THAT(handler.seen, SizeIs(1));
  EXPECT_EQ(handler.seen[0].request_id, "ok");
  EXPECT_THAT(logger.lines, SizeIs(3));
}

TEST_F(RuntimeTest, WithoutADeadlineAnInvocationIsRefused) {
  auto without = invocation("1");
  without->fields[1].second = "soon";
  api.next = {without};
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_THAT(handler.seen, IsEmpty());
  EXPECT_EQ(api.posts.at(0).error_type, "s3link.InvalidInvocation");
}

TEST_F(RuntimeTest, AnEventOver6MiBIsRefused) {
  api.next = {invocation("1", std::string(6 * 1024 * 1024 + 101, ' ')),
              invocation("2", std::string(6 * 1024 * 1024, ' '))};
  EXPECT_TRUE(run_sync(runtime.run()));
  ASSERT_THAT(handler.seen, SizeIs(1));
  EXPECT_EQ(api.posts.at(0).error_type, "s3link.EventTooLarge");
}

TEST_F(RuntimeTest, ALostAnswerIsSentAgainOnlyToTheSameInvocation) {
  api.next = {invocation("1"), invocation("1"), invocation("2")};
  api.answers = {lost()};
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_THAT(handler.seen, SizeIs(2));  // 1 was handled once
  ASSERT_THAT(api.posts, SizeIs(3));
  EXPECT_EQ(api.posts[0].body, api.posts[1].body);
  EXPECT_EQ(api.posts[1].target, "/2018-06-01/runtime/invocation/1/response");
}

TEST_F(RuntimeTest, ALostAnswerThatWasTakenIsNotSentAgain) {
  api.next = {invocation("1"), invocation("2"), invocation("1")};
  api.answers = {lost()};
  EXPECT_TRUE(run_sync(runtime.run()));
  // The third is Lambda's own retry, with the same id: to be handled.
  EXPECT_THAT(handler.seen, SizeIs(3));
  EXPECT_THAT(api.posts, SizeIs(3));
}

TEST_F(RuntimeTest, AnAnswerThatWasNotSentIsTriedAgain) {
  api.next = {invocation("1")};
  api.answers = {unreachable(), unreachable()};
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_THAT(handler.seen, SizeIs(1));
  EXPECT_THAT(api.posts, SizeIs(3));
}

TEST_F(RuntimeTest, AnAnswerThatIsTooLargeBecomesAnError) {
  api.next = {invocation("1")};
  api.answers = {status(413, R"({"errorType":"RequestEntityTooLarge"})"), status(403)};
  EXPECT_TRUE(run_sync(runtime.run()));
  ASSERT_THAT(api.posts, SizeIs(2));
  EXPECT_EQ(api.posts[1].target, "/2018-06-01/runtime/invocation/1/error");
  EXPECT_EQ(api.posts[1].error_type, "s3link.ResponseTooLarge");
}

TEST_F(RuntimeTest, ARefusedAnswerIsLoggedAndTheLoopGoesOn) {
  api.next = {invocation("1"), invocation("2")};
  api.answers = {status(400, R"({"errorType":"InvalidRequestID"})")};
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_THAT(api.posts, SizeIs(2));
  EXPECT_THAT(logger.lines, ElementsAre(testing::AllOf(StartsWith("the answer was refused request_id=1 status=400"),
                                                       HasSubstr("InvalidRequestID"))));
}

TEST_F(RuntimeTest, AServerErrorOfTheApiIsTheEnd) {
  api.next = {status(500)};
  EXPECT_EQ(run_sync(runtime.run()).error().kind, ErrorKind::internal);
  api.next = {invocation("1")};
  api.answers = {status(500)};
  EXPECT_EQ(run_sync(runtime.run()).error().kind, ErrorKind::internal);
}

TEST_F(RuntimeTest, AFailedNextIsRepeatedButNotForEver) {
  api.next = {lost(), status(403), unreachable(), invocation("1")};
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_THAT(handler.seen, SizeIs(1));
  FakeApi dead;
  dead.next.assign(1000, unreachable());
  Runtime other({.host = "127.0.0.1", .port = 9001}, dead, handler, clock, logger);
  EXPECT_EQ(run_sync(other.run()).error().kind, ErrorKind::transient);
  EXPECT_THAT(dead.next, testing::Not(IsEmpty()));
}

TEST_F(RuntimeTest, StopLetsTheRunningInvocationEnd) {
  api.next = {invocation("1"), invocation("2")};
  handler.before = [this] { runtime.stop(); };
  EXPECT_TRUE(run_sync(runtime.run()));
  EXPECT_THAT(handler.seen, SizeIs(1));
  EXPECT_THAT(api.posts, SizeIs(1));
}

TEST_F(RuntimeTest, AnErrorOfTheStartIsReported) {
  EXPECT_TRUE(run_sync(report_init_error({.host = "127.0.0.1", .port = 9001}, api, {"s3link.Settings", "A: b; C: d"})));
  ASSERT_THAT(api.posts, SizeIs(1));
  EXPECT_EQ(api.posts[0].target, "/2018-06-01/runtime/init/error");
  EXPECT_EQ(api.posts[0].error_type, "s3link.Settings");
  EXPECT_THAT(api.posts[0].body, HasSubstr("A: b; C: d"));
  api.answers = {status(403)};
  EXPECT_FALSE(run_sync(report_init_error({.host = "127.0.0.1", .port = 9001}, api, {"T", "m"})));
}

}  // namespace
}  // namespace s3link::lambda_runtime
