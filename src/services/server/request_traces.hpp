#pragma once

#include "ports/trace_sink.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

/// Reports each request to the S3 API as a segment "s3link" of its trace. Requests to our own "/_/" are none: probes
/// would be most of what is recorded. Thread safety: any number of calls at a time. The sink must outlive it.
class RequestTraces final : public RequestObserver {
 public:
  explicit RequestTraces(ports::TraceSink& sink) : sink_(sink) {}
  void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept override;

 private:
  ports::TraceSink& sink_;
};

}  // namespace s3link::server
