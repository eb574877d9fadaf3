#include "services/server/request_log.hpp"

#include <exception>
#include <utility>
#include <vector>

#include "services/server/request_subject.hpp"

namespace s3link::server {
namespace {

using ports::LogField;
using ports::LogLevel;

std::vector<LogField> fields_of(const ports::HttpRequestHead& request, const RequestRecord& record,
                                const std::string& domain) {
  RequestSubject subject = subject_of(request, record, domain);
  std::vector<LogField> out = {{"request_id", record.request_id},
                               {"trace_id", trace::xray_text(record.trace.trace)},
                               {"operation", std::move(subject.operation)},
                               {"method", request.method},
                               {"bucket", shown_name(std::move(subject.bucket))},
                               {"key", shown_name(std::move(subject.key))},
                               {"status", std::to_string(record.status)},
                               {"duration_us", std::to_string(record.total.count())},
                               {"bytes_received", std::to_string(record.bytes_received)},
                               {"bytes_sent", std::to_string(record.bytes_sent)},
                               {"client", request.remote_address}};
  if (!record.requester.empty()) out.push_back({"access_key_id", record.requester});
  if (!record.error_code.empty()) out.push_back({"error_code", record.error_code});
  if (!record.failure.empty()) out.push_back({"detail", record.failure});
  return out;
}

}  // namespace

void RequestLog::finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept {
  // "Not ready" is an answer, and whoever asks asks each second.
  const bool probe = record.operation == "/_/readyz" && record.status == 503;
  const bool failed = (record.status >= 500 && !probe) || !record.failure.empty();
  const LogLevel level = failed ? LogLevel::warning : LogLevel::debug;
  try {
    if (!logger_.writes(level)) return;
    logger_.log(level, failed ? "request failed" : "request", fields_of(request, record, domain_));
  } catch (const std::exception&) {
    // No memory for a line: nothing else can be done about it.
  }
}

}  // namespace s3link::server
