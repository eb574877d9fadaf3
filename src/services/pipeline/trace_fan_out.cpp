#include "services/pipeline/trace_fan_out.hpp"

#include <exception>
#include <utility>

namespace s3link::pipeline {
namespace {

constexpr std::chrono::minutes kBetweenReports{1};

void give_ids(trace::Segment& segment, ports::Random& random) {
  if (!segment.id) random.fill(segment.id.emplace().bytes);
  for (trace::Segment& child : segment.children) give_ids(child, random);
}

}  // namespace

TraceFanOut::TraceFanOut(std::vector<Exporter> exporters, ports::Random& random, ports::Clock& clock,
                         ports::Logger& logger)
    : random_(random), clock_(clock), logger_(logger), next_report_(clock.steady_now()) {
  exporters_.reserve(exporters.size());
  for (Exporter& exporter : exporters) exporters_.push_back({std::move(exporter), 0});
}

void TraceFanOut::emit(const trace::TraceContext& context, const trace::Segment& segment) {
  if (!context.sampled || exporters_.empty()) return;
  try {
    trace::Segment with_ids = segment;
    give_ids(with_ids, random_);
    for (const Watched& watched : exporters_) watched.exporter.sink.emit(context, with_ids);
    bool due = false;
    {
      const std::scoped_lock lock(mutex_);
      due = clock_.steady_now() >= next_report_;
    }
    if (due) report_losses();
  } catch (const std::exception&) {
    // No memory, no random numbers: the segment is lost, and the work it tells of goes on.
  }
}

void TraceFanOut::report_losses() {
  const std::scoped_lock lock(mutex_);
  for (Watched& watched : exporters_) {
    auto loss = watched.exporter.loss();
    if (loss.count == watched.reported) continue;
    watched.reported = loss.count;
    next_report_ = clock_.steady_now() + kBetweenReports;
    logger_.log(ports::LogLevel::warning, "traces lost",
                {{"exporter", watched.exporter.name},
                 {"lost", std::to_string(loss.count)},
                 {"reason", std::move(loss.reason)}});
  }
}

}  // namespace s3link::pipeline
