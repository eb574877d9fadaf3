#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/random.hpp"
#include "ports/trace_sink.hpp"

namespace s3link::pipeline {

/// Hands each segment to every exporter, with the same ids, and says in the log when exporters lose some: at most one
/// line a minute. Thread safety: any number of calls at a time. What is passed by reference must outlive it.
class TraceFanOut final : public ports::TraceSink {
 public:
  struct Loss {
    std::uint64_t count = 0;  ///< since the start
    std::string reason;       ///< of the last
  };
  struct Exporter {
    std::string name;
    ports::TraceSink& sink;
    std::function<Loss()> loss;
  };

  TraceFanOut(std::vector<Exporter> exporters, ports::Random& random, ports::Clock& clock, ports::Logger& logger);

  void emit(const trace::TraceContext& context, const trace::Segment& segment) override;
  /// Logs what was lost since the last line, where anything was.
  void report_losses();

 private:
  struct Watched {
    Exporter exporter;
    std::uint64_t reported = 0;
  };

  ports::Random& random_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  std::mutex mutex_;  ///< of what was reported
  std::vector<Watched> exporters_;
  std::chrono::steady_clock::time_point next_report_;
};

}  // namespace s3link::pipeline
