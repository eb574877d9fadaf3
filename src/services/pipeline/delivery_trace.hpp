#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/base/instant.hpp"
#include "core/delivery/decision.hpp"
#include "core/event/event_record.hpp"
#include "core/trace/segment.hpp"
#include "core/trace/trace_context.hpp"
#include "ports/outbox.hpp"
#include "ports/trace_sink.hpp"

namespace s3link::pipeline {

/// One attempt to deliver an event as a segment "LinkGenerator", caused by the request that made the event. It begins
/// when the event was due, with the subsegment "outbox wait". Thread safety: one call at a time.
class DeliveryTrace {
 public:
  DeliveryTrace(const ports::OutboxEntry& entry, const event::EventRecord& record, Instant taken);

  /// "1-5759e988-bd862e3fe1be46a994272793"; empty for an event without a trace, which is not reported.
  const std::string& id() const noexcept { return id_; }
  /// Where the parts of the work are hung.
  trace::Segment& segment() noexcept { return segment_; }

  void add_sign(Instant start, Instant end);
  void add_recipients(std::size_t count);
  /// What comes of the attempt.
  void set_outcome(const delivery::Action& action);
  /// An attempt that was postponed, because another entry of the same event is in hand, is none.
  void emit(ports::TraceSink& sink, Instant end);

 private:
  std::optional<trace::TraceContext> context_;
  std::string id_;
  trace::Segment segment_;
  bool postponed_ = false;
};

}  // namespace s3link::pipeline
