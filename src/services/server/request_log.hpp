#pragma once

#include "ports/logger.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

/// Logs each request that failed on this side: answered with 5xx. Thread safety: any number of calls at a time. The
/// logger must outlive it.
class RequestErrorLog final : public RequestObserver {
 public:
  explicit RequestErrorLog(ports::Logger& logger) : logger_(logger) {}
  void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept override;

 private:
  ports::Logger& logger_;
};

}  // namespace s3link::server
