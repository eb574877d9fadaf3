#include "adapters/prometheus/text.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <vector>

namespace s3link::prometheus {
namespace {

::prometheus::MetricType type_of(metrics::Kind kind) {
  switch (kind) {
    case metrics::Kind::counter:
      return ::prometheus::MetricType::Counter;
    case metrics::Kind::histogram:
      return ::prometheus::MetricType::Histogram;
    case metrics::Kind::gauge:
      break;
  }
  return ::prometheus::MetricType::Gauge;
}

::prometheus::ClientMetric convert(metrics::Kind kind, const metrics::Sample& sample) {
  ::prometheus::ClientMetric out;
  for (const metrics::Label& label : sample.labels) out.label.push_back({label.name, label.value});
  switch (kind) {
    case metrics::Kind::counter:
      out.counter.value = sample.value;
      break;
    case metrics::Kind::gauge:
      out.gauge.value = sample.value;
      break;
    case metrics::Kind::histogram:
      out.histogram.sample_count = sample.histogram.count;
      out.histogram.sample_sum = sample.histogram.sum;
      // The serializer adds the infinite bucket.
      for (const metrics::Bucket& bucket : sample.histogram.buckets)
        out.histogram.bucket.push_back({bucket.cumulative, bucket.upper_bound});
      break;
  }
  return out;
}

}  // namespace

std::string PrometheusText::write(const metrics::Families& families) const {
  std::vector<::prometheus::MetricFamily> converted;
  converted.reserve(families.size());
  for (const metrics::Family& family : families) {
    ::prometheus::MetricFamily& out = converted.emplace_back();
    out.name = family.name;
    out.help = family.help;
    out.type = type_of(family.kind);
    out.metric.reserve(family.samples.size());
    for (const metrics::Sample& sample : family.samples) out.metric.push_back(convert(family.kind, sample));
  }
  return ::prometheus::TextSerializer().::prometheus::Serializer::Serialize(converted);
}

}  // namespace s3link::prometheus
