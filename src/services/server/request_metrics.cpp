#include "services/server/request_metrics.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "core/s3/operation_name.hpp"

namespace s3link::server {

using metrics::Family;
using metrics::Kind;

RequestMetrics::RequestMetrics(std::vector<std::string_view> own_paths) : unknown_(std::make_unique<Operation>()) {
  unknown_->name = "unknown";
  std::ranges::copy(s3::operation_names(), std::back_inserter(own_paths));
  std::ranges::sort(own_paths);
  for (const std::string_view name : own_paths) {
    operations_.push_back(std::make_unique<Operation>());
    operations_.back()->name = name;
  }
}

RequestMetrics::Operation& RequestMetrics::find(std::string_view name) const noexcept {
  const auto name_of = [](const auto& operation) { return operation->name; };
  const auto found = std::ranges::lower_bound(operations_, name, {}, name_of);
  return found == operations_.end() || (*found)->name != name ? *unknown_ : **found;
}

void RequestMetrics::finished(const ports::HttpRequestHead&, const RequestRecord& record) noexcept {
  Operation& operation = find(record.operation);
  operation.by_status[record.status < kStatuses ? record.status : 0].fetch_add(1, std::memory_order_relaxed);
  operation.bytes_received.fetch_add(record.bytes_received, std::memory_order_relaxed);
  operation.bytes_sent.fetch_add(record.bytes_sent, std::memory_order_relaxed);
  operation.duration.observe(record.total);
}

metrics::Families RequestMetrics::families() const {
  Family requests{.name = "s3link_requests_total",
                  .help =
                      "Requests that were answered, by S3 operation (or path of s3link's own) and HTTP status; "
                      "status 0: the client was gone before its answer.",
                  .kind = Kind::counter,
                  .samples = {}};
  Family received{.name = "s3link_request_body_bytes_total",
                  .help = "Bytes of request bodies.",
                  .kind = Kind::counter,
                  .samples = {}};
  Family sent{.name = "s3link_response_body_bytes_total",
              .help = "Bytes of response bodies.",
              .kind = Kind::counter,
              .samples = {}};
  Family duration{.name = "s3link_request_duration_seconds",
                  .help = "From a request's head to the last byte of its answer.",
                  .kind = Kind::histogram,
                  .samples = {}};
  const auto add = [&](const Operation& operation) {
    const std::string name(operation.name);
    auto time = operation.duration.read();
    if (time.count == 0) return;
    for (unsigned status = 0; status < kStatuses; ++status) {
      const auto count = operation.by_status[status].load(std::memory_order_relaxed);
      if (count == 0) continue;
      requests.samples.push_back({.labels = {{"operation", name}, {"status", std::to_string(status)}},
                                  .value = static_cast<double>(count),
                                  .histogram = {}});
    }
    const auto labelled = [&](const std::atomic<std::uint64_t>& bytes) {
      return metrics::labelled("operation", name, static_cast<double>(bytes.load(std::memory_order_relaxed)));
    };
    received.samples.push_back(labelled(operation.bytes_received));
    sent.samples.push_back(labelled(operation.bytes_sent));
    duration.samples.push_back({.labels = {{"operation", name}}, .value = 0, .histogram = std::move(time)});
  };
  for (const auto& operation : operations_) add(*operation);
  add(*unknown_);
  return {std::move(requests), std::move(received), std::move(sent), std::move(duration)};
}

}  // namespace s3link::server
