#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/secret.hpp"
#include "core/metrics/family.hpp"
#include "core/s3/names.hpp"
#include "ports/clock.hpp"
#include "ports/metric_text.hpp"
#include "ports/store_statistics.hpp"
#include "services/server/api_document.hpp"

namespace s3link::server {

struct MetricsSettings {
  std::vector<s3::BucketName> buckets;  ///< whose objects are counted
  Secret token;                         ///< of those who read; empty: those on this machine may
};

/// GET /_/metrics: what `counted` returns, and what the store holds. The store is asked without holding up the calling
/// thread; where it cannot be read the rest is told, and s3link_scrape_failed is 1. A reader needs the token, or a
/// signature; where no token is set, a peer on the loopback needs neither.
class MetricsDocument final : public ApiDocument {
 public:
  /// `counted` is called for each read, from any thread, any number of times at a time. The references must outlive
  /// this.
  MetricsDocument(MetricsSettings settings, ports::StatisticsReader& statistics,
                  std::function<metrics::Families()> counted, const ports::MetricText& text, ports::Clock& clock);

  std::string_view path() const noexcept override { return "/_/metrics"; }
  bool admits(const ports::HttpRequestHead& request) const noexcept override;
  std::string_view content_type() const noexcept override { return text_.content_type(); }
  Awaitable<Result<std::string>> read() override;

 private:
  const MetricsSettings settings_;
  ports::StatisticsReader& statistics_;
  const std::function<metrics::Families()> counted_;
  const ports::MetricText& text_;
  ports::Clock& clock_;
};

}  // namespace s3link::server
