#include "services/server/request_error_log.hpp"

#include <exception>

namespace s3link::server {

void RequestErrorLog::finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept {
  if (record.status < 500) return;
  try {
    // Not the target, whose query can sign.
    logger_.log(ports::LogLevel::warning, "request failed",
                {{"request_id", record.request_id},
                 {"trace_id", trace::xray_text(record.trace.trace)},
                 {"operation", std::string(record.operation)},
                 {"method", request.method},
                 {"bucket", record.bucket},
                 {"key", record.key},
                 {"status", std::to_string(record.status)},
                 {"error_code", record.error_code}});
  } catch (const std::exception&) {
    // No memory for a line: nothing else can be done about it.
  }
}

}  // namespace s3link::server
