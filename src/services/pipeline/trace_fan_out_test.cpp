#include "services/pipeline/trace_fan_out.hpp"

#include <gtest/gtest.h>

#include "support/fake_clock.hpp"
#include "support/fake_logger.hpp"
#include "support/fake_random.hpp"
#include "support/fake_trace_sink.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;

const trace::TraceContext kContext =
    *trace::parse_xray_header("Root=1-581cf771-a006649127e371903a2de979;Sampled=1", false);

class TraceFanOutTest : public testing::Test {
 protected:
  TraceFanOut::Exporter exporter(std::string name, ports::TraceSink& sink, TraceFanOut::Loss& loss) {
    return {.name = std::move(name), .sink = sink, .loss = [&loss] { return loss; }};
  }

  test_support::FakeTraceSink first_, second_;
  TraceFanOut::Loss first_loss_, second_loss_;
  test_support::FakeRandom random_;
  test_support::FakeClock clock_;
  test_support::FakeLogger logger_;
  TraceFanOut fan_out_{
      {exporter("X-Ray", first_, first_loss_), exporter("OTLP", second_, second_loss_)}, random_, clock_, logger_};
};

TEST_F(TraceFanOutTest, EveryExporterGetsTheSameIds) {
  trace::Segment segment;
  segment.id = trace::SegmentId{};  // given before
  segment.children.resize(2);
  fan_out_.emit(kContext, segment);
  ASSERT_EQ(first_.segments.size(), 1U);
  EXPECT_EQ(first_.segments, second_.segments);
  EXPECT_EQ(first_.contexts, second_.contexts);
  const auto& got = first_.segments.front();
  EXPECT_EQ(got.id, segment.id);
  ASSERT_TRUE(got.children[0].id && got.children[1].id);
  EXPECT_NE(got.children[0].id, got.children[1].id);
}

TEST_F(TraceFanOutTest, WhatIsNotRecordedGoesNowhere) {
  auto unsampled = kContext;
  unsampled.sampled = false;
  fan_out_.emit(unsampled, {});
  EXPECT_TRUE(first_.segments.empty());
}

TEST_F(TraceFanOutTest, LossesAreLoggedOnceAMinute) {
  fan_out_.emit(kContext, {});
  EXPECT_TRUE(logger_.lines.empty());
  second_loss_ = {2, "the collector answers 400"};
  fan_out_.emit(kContext, {});
  second_loss_ = {3, "the collector answers 500"};
  fan_out_.emit(kContext, {});
  clock_.advance(59s);
  fan_out_.emit(kContext, {});
  EXPECT_EQ(logger_.lines,
            std::vector<std::string>{"traces lost exporter=OTLP lost=2 reason=the collector answers 400"});
  clock_.advance(1s);
  first_loss_ = {1, "no room"};
  fan_out_.emit(kContext, {});
  clock_.advance(60s);
  fan_out_.emit(kContext, {});  // nothing more was lost
  EXPECT_EQ(logger_.lines,
            (std::vector<std::string>{"traces lost exporter=OTLP lost=2 reason=the collector answers 400",
                                      "traces lost exporter=X-Ray lost=1 reason=no room",
                                      "traces lost exporter=OTLP lost=3 reason=the collector answers 500"}));
}

TEST_F(TraceFanOutTest, TheEndTellsAtOnceWhatWasLost) {
  second_loss_ = {2, "refused"};
  fan_out_.report_losses();
  second_loss_ = {4, "refused"};
  fan_out_.report_losses();
  EXPECT_EQ(logger_.lines.size(), 2U);
}

}  // namespace
}  // namespace s3link::pipeline
