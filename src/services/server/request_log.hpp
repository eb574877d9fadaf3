#pragma once

#include "ports/logger.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

/// Logs requests: as a warning each that failed on this side (answered with 5xx, or broken off by a failure of ours),
/// at debug level every other. Neither the target nor a header field is in a line: both can sign. Thread safety: any
/// number of calls at a time. The logger must outlive it.
class RequestLog final : public RequestObserver {
 public:
  explicit RequestLog(ports::Logger& logger) : logger_(logger) {}
  void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept override;

 private:
  ports::Logger& logger_;
};

}  // namespace s3link::server
