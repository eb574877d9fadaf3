#include "services/pipeline/delivery_trace.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace s3link::pipeline {
namespace {

trace::Segment part(std::string name, Instant start, Instant end) {
  trace::Segment out;
  out.name = std::move(name);
  out.start = start;
  out.end = end;
  return out;
}

trace::Cause cause_of(const delivery::Reason& reason) { return {.type = reason.kind, .message = reason.message}; }

}  // namespace

DeliveryTrace::DeliveryTrace(const ports::OutboxEntry& entry, const event::EventRecord& record, Instant taken) {
  if (const auto context = trace::parse_xray_header(entry.trace, false)) {
    context_ = *context;
    id_ = trace::xray_text(context->trace);
  }
  segment_ = part("LinkGenerator", std::min(entry.due, taken), taken);
  segment_.role = trace::Role::consumer;
  segment_.annotations = {{"bucket", record.bucket},
                          {"attempt", std::to_string(entry.attempts + 1)},
                          {"event_id", std::to_string(entry.id)}};
  segment_.metadata = {{"key", record.key}};
  segment_.children.push_back(part("outbox wait", segment_.start, taken));
}

void DeliveryTrace::add_sign(Instant start, Instant end) { segment_.children.push_back(part("sign", start, end)); }

void DeliveryTrace::add_recipients(std::size_t count) {
  segment_.annotations.emplace_back("recipients", std::to_string(count));
}

void DeliveryTrace::set_outcome(const delivery::Action& action) {
  std::string outcome = "delivered";
  if (const auto* const retry = std::get_if<delivery::Retry>(&action)) {
    outcome = "retry";
    segment_.fault = true;
    segment_.cause = cause_of(retry->reason);
  } else if (const auto* const dead = std::get_if<delivery::DeadLetter>(&action)) {
    outcome = "dead";
    segment_.fault = true;
    segment_.cause = cause_of(dead->reason);
  } else if (const auto* const drop = std::get_if<delivery::Drop>(&action)) {
    outcome = "dropped";
    segment_.metadata.emplace_back("rule", drop->rule.kind);
  } else {
    postponed_ = std::holds_alternative<delivery::Postpone>(action);
  }
  segment_.annotations.emplace_back("outcome", std::move(outcome));
}

void DeliveryTrace::emit(ports::TraceSink& sink, Instant end) {
  segment_.end = end;
  if (context_ && !postponed_) sink.emit(*context_, segment_);
}

}  // namespace s3link::pipeline
