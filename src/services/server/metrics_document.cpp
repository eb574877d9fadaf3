#include "services/server/metrics_document.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/base/ip_address.hpp"
#include "services/pipeline/store_metrics.hpp"

namespace s3link::server {

MetricsDocument::MetricsDocument(MetricsSettings settings, ports::StatisticsReader& statistics,
                                 std::function<metrics::Families()> counted, const ports::MetricText& text,
                                 ports::Clock& clock)
    : settings_(std::move(settings)),
      statistics_(statistics),
      counted_(std::move(counted)),
      text_(text),
      clock_(clock) {}

bool MetricsDocument::admits(const ports::HttpRequestHead& request) const noexcept {
  if (settings_.token.empty()) {
    const auto reader = IpAddress::parse(request.remote_address);
    return reader && reader->is_loopback();
  }
  constexpr std::string_view kScheme = "Bearer ";  // in any case: RFC 9110 §11.1
  const std::string* const field = ports::find_field(request.fields, "Authorization");
  if (field == nullptr || !equals_ignoring_case(std::string_view(*field).substr(0, kScheme.size()), kScheme)) {
    return false;
  }
  return constant_time_equal(trim(std::string_view(*field).substr(kScheme.size())), settings_.token.reveal());
}

Awaitable<Result<std::string>> MetricsDocument::read() {
  const auto statistics = co_await statistics_.read_statistics(settings_.buckets);
  metrics::Families families = counted_();
  families.push_back(metrics::gauge("s3link_scrape_failed",
                                    "1 when the store could not be read, so that what it holds is missing here.",
                                    statistics ? 0 : 1));
  if (statistics) std::ranges::move(pipeline::store_families(*statistics, clock_.now()), std::back_inserter(families));
  co_return text_.write(families);
}

}  // namespace s3link::server
