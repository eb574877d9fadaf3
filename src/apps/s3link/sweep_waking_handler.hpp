#pragma once

#include <chrono>

#include "ports/http_handler.hpp"
#include "services/pipeline/lifecycle_sweeper.hpp"

namespace s3link::app {

/// The sweeper looks at least once a minute, which is early enough for objects that live longer than this.
inline constexpr std::chrono::seconds kSweepNotice{120};

/// Tells the sweeper after each write that something may have to be removed soon: for a bucket.object_ttl shorter than
/// kSweepNotice, so that such objects go to the second, too.
class SweepWakingHandler final : public ports::HttpHandler {
 public:
  SweepWakingHandler(ports::HttpHandler& next, pipeline::LifecycleSweeper& sweeper) : next_(next), sweeper_(sweeper) {}

  Awaitable<void> handle(const ports::HttpRequestHead& request, ports::HttpRequestBody& body,
                         ports::HttpResponseWriter& response) override {
    co_await next_.handle(request, body, response);
    if (request.method == "PUT" || request.method == "POST") sweeper_.wake();
  }

 private:
  ports::HttpHandler& next_;
  pipeline::LifecycleSweeper& sweeper_;
};

}  // namespace s3link::app
