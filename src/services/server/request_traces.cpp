#include "services/server/request_traces.hpp"

#include <exception>

#include "core/base/foreign_text.hpp"

namespace s3link::server {
namespace {

constexpr unsigned kTooManyRequests = 429;

trace::Segment segment_of(const RequestRecord& record) {
  trace::Segment out;
  out.id = record.segment;
  out.role = trace::Role::server;
  out.name = "s3link";
  out.start = record.received;
  out.end = record.received + std::chrono::duration_cast<std::chrono::milliseconds>(record.total);
  out.http_status = record.status;
  out.throttle = record.status == kTooManyRequests;
  out.fault = record.status >= 500;
  out.error = (record.status >= 400 && !out.fault) || record.status == 0;
  if (record.status == 0) {
    out.cause = trace::Cause{.type = "ClientGone", .message = "the client left before it was answered"};
  } else if (!record.error_code.empty()) {
    out.cause = trace::Cause{.type = record.error_code, .message = {}};
  }
  const auto annotate = [&](const char* name, std::string value) {
    if (!value.empty()) out.annotations.emplace_back(name, std::move(value));
  };
  annotate("operation", std::string(record.operation));
  annotate("bucket", record.bucket);
  annotate("request_id", record.request_id);
  if (!record.key.empty()) out.metadata.emplace_back("key", cut_signatures(record.key));
  return out;
}

}  // namespace

void RequestTraces::finished(const ports::HttpRequestHead& /*request*/, const RequestRecord& record) noexcept {
  if (!record.trace.sampled || record.operation.starts_with("/_/")) return;
  try {
    sink_.emit(record.trace, segment_of(record));
  } catch (const std::exception&) {
    // No memory for it: the request was answered, and that is what counts.
  }
}

}  // namespace s3link::server
