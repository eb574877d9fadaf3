#include "adapters/prometheus/text.hpp"

#include <gtest/gtest.h>

namespace s3link::prometheus {
namespace {

using metrics::Family;
using metrics::Kind;
using metrics::Sample;

TEST(PrometheusTextTest, CountersAndGauges) {
  EXPECT_EQ(PrometheusText().write({{.name = "s3link_deliveries_total",
                                     .help = "Deliveries.",
                                     .kind = Kind::counter,
                                     .samples = {metrics::labelled("outcome", "delivered", 12'345'678'901.0),
                                                 metrics::labelled("outcome", "dead", 0)}},
                                    metrics::gauge("s3link_outbox_oldest_age_seconds", "Age.", 0.25)}),
            "# HELP s3link_deliveries_total Deliveries.\n"
            "# TYPE s3link_deliveries_total counter\n"
            "s3link_deliveries_total{outcome=\"delivered\"} 12345678901\n"
            "s3link_deliveries_total{outcome=\"dead\"} 0\n"
            "# HELP s3link_outbox_oldest_age_seconds Age.\n"
            "# TYPE s3link_outbox_oldest_age_seconds gauge\n"
            "s3link_outbox_oldest_age_seconds 0.25\n");
}

TEST(PrometheusTextTest, AHistogramEndsWithTheInfiniteBucketWhichIsTheCount) {
  const Sample sample{.labels = {{"operation", "PutObject"}},
                      .value = 0,
                      .histogram = {.buckets = {{0.001, 1}, {2.5, 3}}, .count = 4, .sum = 7.125}};
  EXPECT_EQ(
      PrometheusText().write(
          {{.name = "s3link_request_duration_seconds", .help = "Time.", .kind = Kind::histogram, .samples = {sample}}}),
      "# HELP s3link_request_duration_seconds Time.\n"
      "# TYPE s3link_request_duration_seconds histogram\n"
      "s3link_request_duration_seconds_count{operation=\"PutObject\"} 4\n"
      "s3link_request_duration_seconds_sum{operation=\"PutObject\"} 7.125\n"
      "s3link_request_duration_seconds_bucket{operation=\"PutObject\",le=\"0.001\"} 1\n"
      "s3link_request_duration_seconds_bucket{operation=\"PutObject\",le=\"2.5\"} 3\n"
      "s3link_request_duration_seconds_bucket{operation=\"PutObject\",le=\"+Inf\"} 4\n");
}

TEST(PrometheusTextTest, ALabelCannotBreakOutOfItsQuotes) {
  const std::string text = PrometheusText().write(
      {{.name = "s3link_x", .help = "X.", .kind = Kind::gauge, .samples = {metrics::labelled("a", "\"b\\\nc", 1)}}});
  EXPECT_NE(text.find("s3link_x{a=\"\\\"b\\\\\\nc\"} 1\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace s3link::prometheus
