#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/metrics/histogram.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

/// Counts requests, their bytes and their time by operation. An operation is one of S3's, or a path of ours; what was
/// refused before it was known is "unknown". So there are no more labels than operations, whatever is asked for, and no
/// name of a client's making is among them.
/// Thread safety: any number of calls at a time; a request costs five additions, no lock and no allocation.
class RequestMetrics final : public RequestObserver {
 public:
  /// `own_paths`: what is counted besides S3's operations; texts of static storage.
  explicit RequestMetrics(std::vector<std::string_view> own_paths);

  void finished(const ports::HttpRequestHead& request, const RequestRecord& record) noexcept override;

  /// s3link_requests_total, s3link_request_body_bytes_total, s3link_response_body_bytes_total and
  /// s3link_request_duration_seconds, for those operations that were asked for.
  metrics::Families families() const;

 private:
  static constexpr std::array<std::uint64_t, 16> kBounds = {
      1'000,   2'500,     5'000,     10'000,    25'000,     50'000,     100'000,    250'000,
      500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000, 300'000'000};
  static constexpr unsigned kStatuses = 600;

  struct Operation {
    std::string_view name;
    std::array<std::atomic<std::uint64_t>, kStatuses> by_status{};  ///< 0: gone before it was answered
    std::atomic<std::uint64_t> bytes_received = 0;
    std::atomic<std::uint64_t> bytes_sent = 0;
    metrics::Histogram duration{kBounds, metrics::kMicroseconds};
  };
  Operation& find(std::string_view name) const noexcept;

  std::vector<std::unique_ptr<Operation>> operations_;  ///< by name
  std::unique_ptr<Operation> unknown_;
};

}  // namespace s3link::server
