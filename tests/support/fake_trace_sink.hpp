#pragma once

#include <vector>

#include "ports/trace_sink.hpp"

namespace s3link::test_support {

/// Keeps what was emitted for traces that are recorded. One thread at a time.
class FakeTraceSink final : public ports::TraceSink {
 public:
  void emit(const trace::TraceContext& context, const trace::Segment& segment) override {
    if (!context.sampled) return;
    contexts.push_back(context);
    segments.push_back(segment);
  }
  std::vector<trace::TraceContext> contexts;
  std::vector<trace::Segment> segments;
};

}  // namespace s3link::test_support
