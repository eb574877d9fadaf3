#include "adapters/otlp/otlp_trace_sink.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <functional>
#include <stdexcept>

#include "core/base/encoding.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_random.hpp"

namespace s3link::otlp {
namespace {

using namespace std::chrono_literals;

const trace::TraceContext kContext =
    *trace::parse_xray_header("Root=1-581cf771-a006649127e371903a2de979;Sampled=1", false);

/// Keeps what it was sent; answers 200, or what was ordered.
class FakeCollector final : public ports::HttpClient {
 public:
  struct Request {
    ports::HttpClientRequest head;
    std::string body;
  };

  Awaitable<Result<ports::HttpClientResponse>> exchange(ports::HttpClientRequest request, ports::HttpBodySource* source,
                                                        std::chrono::milliseconds deadline) override {
    deadlines.push_back(deadline);
    std::string body;
    for (auto piece = co_await source->next(); piece && !piece->empty(); piece = co_await source->next()) {
      body += as_text(*piece);
    }
    EXPECT_EQ(body.size(), request.body_length);
    requests.push_back({std::move(request), std::move(body)});
    if (before_answer) co_await before_answer();
    if (answers.empty()) co_return ports::HttpClientResponse{200, {}, "{}"};
    auto answer = std::move(answers.front());
    answers.pop_front();
    co_return answer;
  }

  std::size_t spans_in(std::size_t request) const {
    return boost::json::parse(requests.at(request).body)
        .at("resourceSpans")
        .at(0)
        .at("scopeSpans")
        .at(0)
        .at("spans")
        .as_array()
        .size();
  }

  std::deque<Result<ports::HttpClientResponse>> answers;  ///< handed out first, in order
  std::function<Awaitable<void>()> before_answer;
  std::vector<Request> requests;
  std::vector<std::chrono::milliseconds> deadlines;
};

class BrokenRandom final : public ports::Random {
 public:
  void fill(std::span<std::byte> /*out*/) override { throw std::runtime_error("no random numbers"); }
};

class OtlpTraceSinkTest : public testing::Test {
 protected:
  OtlpTraceSinkTest() {
    settings_.host = "collector.test";
    settings_.authority = "collector.test:4318";
    settings_.version = "1.2.3";
    settings_.max_batch = 4;
  }
  ~OtlpTraceSinkTest() override {
    if (sink_ && !ended_) {
      sink_->stop();
      settle();
      pass(settings_.stop_grace);
      EXPECT_TRUE(ended_);
    }
  }

  OtlpTraceSink& make(ports::Random& random) {
    return sink_.emplace(settings_, io_.get_executor(), collector_, clock_, random);
  }
  void start() {
    make(random_);
    ended_ = false;
    asio::co_spawn(io_, sink_->run(), [this](std::exception_ptr failure) {
      EXPECT_FALSE(failure);
      ended_ = true;
    });
    settle();
  }
  void emit(std::size_t count = 1) {
    for (std::size_t i = 0; i < count; ++i) sink_->emit(kContext, {});
    settle();
  }
  /// Runs whatever can run while time stands still.
  void settle() {
    io_.restart();
    io_.poll();
  }
  void pass(std::chrono::milliseconds time) {
    clock_.advance(time);
    settle();
  }
  void hang() {
    collector_.before_answer = [this] { return clock_.sleep_until(clock_.now() + std::chrono::hours(1)); };
  }

  asio::io_context io_;
  test_support::FakeClock clock_;
  test_support::FakeRandom random_;
  FakeCollector collector_;
  OtlpSettings settings_;
  std::optional<OtlpTraceSink> sink_;
  bool ended_ = true;
};

TEST_F(OtlpTraceSinkTest, TheFirstOfABatchWaitsForOthers) {
  start();
  emit(2);
  pass(settings_.batch_delay - 1ms);
  EXPECT_TRUE(collector_.requests.empty());
  emit();
  pass(1ms);
  ASSERT_EQ(collector_.requests.size(), 1U);
  EXPECT_EQ(collector_.spans_in(0), 3U);
  const auto& head = collector_.requests[0].head;
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/v1/traces");
  EXPECT_EQ(head.host, "collector.test");
  EXPECT_EQ(head.port, 4318);
  EXPECT_EQ(*ports::find_field(head.fields, "Host"), "collector.test:4318");
  EXPECT_EQ(*ports::find_field(head.fields, "Content-Type"), "application/json");
  EXPECT_EQ(collector_.deadlines[0], settings_.timeout);
  EXPECT_EQ(sink_->lost(), 0U);
}

TEST_F(OtlpTraceSinkTest, AFullBatchWaitsForNothing) {
  start();
  emit(9);
  ASSERT_EQ(collector_.requests.size(), 2U);
  EXPECT_EQ(collector_.spans_in(0), 4U);
  EXPECT_EQ(collector_.spans_in(1), 4U);
  pass(settings_.batch_delay);
  ASSERT_EQ(collector_.requests.size(), 3U);
  EXPECT_EQ(collector_.spans_in(2), 1U);
}

TEST_F(OtlpTraceSinkTest, WhatCameBeforeTheStartIsSent) {
  make(random_).emit(kContext, {});
  asio::co_spawn(io_, sink_->run(), [this](std::exception_ptr) { ended_ = true; });
  ended_ = false;
  settle();
  pass(settings_.batch_delay);
  EXPECT_EQ(collector_.requests.size(), 1U);
}

TEST_F(OtlpTraceSinkTest, WhatIsNotSampledIsNotSent) {
  start();
  auto unsampled = kContext;
  unsampled.sampled = false;
  sink_->emit(unsampled, {});
  settle();
  pass(settings_.batch_delay);
  EXPECT_TRUE(collector_.requests.empty());
}

TEST_F(OtlpTraceSinkTest, AnOverloadedCollectorIsGivenTheTimeItAsksFor) {
  start();
  collector_.answers.push_back(ports::HttpClientResponse{503, {{"Retry-After", "7"}}, {}});
  emit(4);
  pass(7s - 1ms);
  EXPECT_EQ(collector_.requests.size(), 1U);
  pass(1ms);
  ASSERT_EQ(collector_.requests.size(), 2U);
  EXPECT_EQ(collector_.requests[0].body, collector_.requests[1].body);
  EXPECT_EQ(sink_->lost(), 0U);
}

TEST_F(OtlpTraceSinkTest, TriesEndAndTheSpansAreLost) {
  start();
  for (unsigned i = 0; i < settings_.max_attempts; ++i) {
    collector_.answers.push_back(fail(ErrorKind::transient, "connection refused", "connection"));
  }
  emit(4);
  for (unsigned i = 0; i < settings_.max_attempts; ++i) pass(settings_.max_retry);
  EXPECT_EQ(collector_.requests.size(), settings_.max_attempts);
  EXPECT_EQ(sink_->lost(), 4U);
  EXPECT_EQ(sink_->last_loss(), "connection refused");
  emit(4);
  EXPECT_EQ(collector_.requests.size(), settings_.max_attempts + 1) << "the next batch is sent all the same";
}

TEST_F(OtlpTraceSinkTest, PausesGrowWithEachTry) {
  settings_.max_attempts = 8;
  start();
  for (int i = 0; i < 8; ++i) collector_.answers.push_back(ports::HttpClientResponse{502, {}, {}});
  emit(4);
  for (const auto longest : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    const auto before = collector_.requests.size();
    pass(std::chrono::milliseconds(longest) / 2 - 1ms);
    EXPECT_EQ(collector_.requests.size(), before) << longest.count();
    pass(std::chrono::milliseconds(longest) / 2 + 1ms);
    EXPECT_EQ(collector_.requests.size(), before + 1) << longest.count();
  }
}

TEST_F(OtlpTraceSinkTest, WhatIsRefusedIsNotRepeated) {
  start();
  collector_.answers.push_back(ports::HttpClientResponse{400, {}, {}});
  emit(4);
  pass(settings_.max_retry);
  EXPECT_EQ(collector_.requests.size(), 1U);
  EXPECT_EQ(sink_->lost(), 4U);
  EXPECT_EQ(sink_->last_loss(), "the collector answers 400");
}

TEST_F(OtlpTraceSinkTest, RejectedSpansAreCounted) {
  start();
  collector_.answers.push_back(
      ports::HttpClientResponse{200, {}, R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}})"});
  emit(4);
  EXPECT_EQ(sink_->lost(), 3U);
  EXPECT_EQ(sink_->last_loss(), "the collector rejected them: too old");
}

TEST_F(OtlpTraceSinkTest, AHangingCollectorCostsSpansAndNothingElse) {
  settings_.max_waiting = 6;
  start();
  hang();
  emit(4);  // on their way
  emit(6);  // wait
  emit(3);  // have no room
  EXPECT_EQ(collector_.requests.size(), 1U);
  EXPECT_EQ(sink_->lost(), 3U);
}

TEST_F(OtlpTraceSinkTest, BytesAreBoundedToo) {
  settings_.max_waiting_bytes = 10'000;
  start();
  hang();
  emit(4);
  trace::Segment large;
  large.metadata = {{"reply", std::string(4'000, 'x')}};
  for (int i = 0; i < 5; ++i) sink_->emit(kContext, large);
  EXPECT_EQ(sink_->lost(), 3U);
}

TEST_F(OtlpTraceSinkTest, WhatIsLeftIsSentAtTheEnd) {
  start();
  emit(3);
  sink_->stop();
  settle();
  EXPECT_TRUE(ended_);
  ASSERT_EQ(collector_.requests.size(), 1U);
  EXPECT_EQ(collector_.spans_in(0), 3U);
}

TEST_F(OtlpTraceSinkTest, AClockSetBackHoldsUpNoBatch) {
  start();
  emit();
  clock_.step(-1h);
  pass(settings_.batch_delay);
  EXPECT_EQ(collector_.requests.size(), 1U);
}

TEST_F(OtlpTraceSinkTest, AClockSetBackAtTheEndHoldsUpNothing) {
  start();
  hang();
  emit(9);
  sink_->stop();
  settle();
  clock_.step(-1h);
  pass(settings_.stop_grace);
  EXPECT_TRUE(ended_);
}

TEST_F(OtlpTraceSinkTest, TheEndWaitsForNoCollectorLongerThanItsGrace) {
  start();
  hang();
  emit(9);
  sink_->stop();
  settle();
  pass(settings_.stop_grace - 1ms);
  EXPECT_FALSE(ended_);
  pass(1ms);
  EXPECT_TRUE(ended_);
  EXPECT_EQ(sink_->lost(), 9U);
}

TEST_F(OtlpTraceSinkTest, TheEndDoesNotWaitForARetry) {
  start();
  collector_.answers.push_back(ports::HttpClientResponse{503, {{"Retry-After", "300"}}, {}});
  emit(4);
  sink_->stop();
  settle();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(collector_.requests.size(), 2U) << "one last try";
  EXPECT_EQ(sink_->lost(), 0U);
}

TEST_F(OtlpTraceSinkTest, WithoutRandomNumbersTheWorkGoesOn) {
  BrokenRandom broken;
  make(broken).emit(kContext, {});
  EXPECT_EQ(sink_->lost(), 1U);
}

}  // namespace
}  // namespace s3link::otlp
