#pragma once

#include <string>
#include <utility>

#include "ports/logger.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

/// Logs requests: as a warning each that failed on this side (answered with 5xx, or broken off by a failure of ours),
/// at debug level every other; one that was refused before it was taken apart by what it asked for. Neither the target
/// nor a header field is in a line: both can sign. Thread safety: any number of calls at a time. The logger must
/// outlive it.
class RequestLog final : public RequestObserver {
 public:
  /// `domain`: server.domain, of virtual-host style; empty: none.
  RequestLog(ports::Logger& logger, std::string domain) : logger_(logger), domain_(std::move(domain)) {}
  void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept override;

 private:
  ports::Logger& logger_;
  std::string domain_;
};

}  // namespace s3link::server
