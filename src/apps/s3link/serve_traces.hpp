#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/config/settings.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/random.hpp"
#include "ports/trace_sink.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::app {

/// The traces of `s3link serve`: the exporters that are configured, none by default, and what watches the requests.
/// Nothing of it ever fails the service: an exporter that cannot be made is logged and left out.
class ServeTraces {
 public:
  /// The references must outlive it.
  ServeTraces(const config::Settings& settings, ports::Clock& clock, ports::Random& random, ports::Logger& logger);
  ServeTraces(const ServeTraces&) = delete;
  ServeTraces& operator=(const ServeTraces&) = delete;
  ~ServeTraces();

  ports::TraceSink& sink();
  /// What reports the requests, and what logs them.
  std::vector<server::RequestObserver*> observers();
  /// What each configured exporter lost since the start: spans (OTLP), segment documents (X-Ray). From any thread.
  struct Loss {
    std::string_view exporter;
    std::uint64_t count = 0;
  };
  std::vector<Loss> losses() const;
  /// Sends what is left, for two seconds at most; call when requests and deliveries have ended.
  void stop();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace s3link::app
