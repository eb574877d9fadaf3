#pragma once

#include "core/trace/segment.hpp"
#include "core/trace/trace_context.hpp"

namespace s3link::ports {

/// Where finished work is reported. Never fails and never slows the caller: what cannot be sent at once is counted and
/// lost. Thread safety: any number of calls at a time.
class TraceSink {
 public:
  virtual ~TraceSink() = default;

  /// Sends the finished segment and its children: caused by `context.parent` where there is one, else as the root of
  /// the trace. Does nothing when the trace is not sampled.
  virtual void emit(const trace::TraceContext& context, const trace::Segment& segment) = 0;
};

}  // namespace s3link::ports
