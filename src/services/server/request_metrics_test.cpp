#include "services/server/request_metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "core/s3/operation_name.hpp"

namespace s3link::server {
namespace {

using namespace std::chrono_literals;

RequestRecord record(std::string_view operation, unsigned status, std::uint64_t in = 0, std::uint64_t out = 0,
                     std::chrono::microseconds total = 1ms) {
  RequestRecord out_record;
  out_record.operation = operation;
  out_record.status = status;
  out_record.bytes_received = in;
  out_record.bytes_sent = out;
  out_record.total = total;
  out_record.bucket = "a-bucket";
  out_record.key = "a-key";
  return out_record;
}

const metrics::Family& family(const metrics::Families& families, std::string_view name) {
  return *std::ranges::find(families, name, &metrics::Family::name);
}

/// "PutObject 200" → count
std::map<std::string, double> requests(const RequestMetrics& metrics) {
  const auto families = metrics.families();
  std::map<std::string, double> out;
  for (const auto& sample : family(families, "s3link_requests_total").samples) {
    out[sample.labels.at(0).value + " " + sample.labels.at(1).value] = sample.value;
  }
  return out;
}

TEST(RequestMetricsTest, CountsByOperationAndStatus) {
  RequestMetrics metrics({"/_/healthz"});
  for (int i = 0; i < 3; ++i) metrics.finished({}, record("PutObject", 200));
  metrics.finished({}, record("PutObject", 403));
  metrics.finished({}, record("/_/healthz", 200));
  metrics.finished({}, record("GetObject", 0));
  EXPECT_EQ(requests(metrics),
            (std::map<std::string, double>{
                {"PutObject 200", 3}, {"PutObject 403", 1}, {"/_/healthz 200", 1}, {"GetObject 0", 1}}));
}

TEST(RequestMetricsTest, WhatAClientMakesUpIsNoLabel) {
  RequestMetrics metrics({});
  metrics.finished({}, record("", 403));
  metrics.finished({}, record("/_/no-such-path", 404));
  metrics.finished({}, record("PutObjec", 200));
  metrics.finished({}, record("PutObject", 1'000'000));
  EXPECT_EQ(requests(metrics), (std::map<std::string, double>{
                                   {"unknown 403", 1}, {"unknown 404", 1}, {"unknown 200", 1}, {"PutObject 0", 1}}));
}

TEST(RequestMetricsTest, BytesAndTime) {
  RequestMetrics metrics({});
  metrics.finished({}, record("PutObject", 200, 100, 3, 2ms));
  metrics.finished({}, record("PutObject", 500, 50, 4, 20ms));
  const auto families = metrics.families();
  EXPECT_EQ(family(families, "s3link_request_body_bytes_total").samples,
            std::vector{metrics::labelled("operation", "PutObject", 150)});
  EXPECT_EQ(family(families, "s3link_response_body_bytes_total").samples,
            std::vector{metrics::labelled("operation", "PutObject", 7)});
  const auto& duration = family(families, "s3link_request_duration_seconds").samples.at(0).histogram;
  EXPECT_EQ(duration.count, 2U);
  EXPECT_EQ(duration.sum, 0.022);
  EXPECT_EQ(duration.buckets.at(0).cumulative, 0U);
  EXPECT_EQ(duration.buckets.at(1), (metrics::Bucket{0.0025, 1}));
}

TEST(RequestMetricsTest, EveryOperationHasItsOwnName) {
  RequestMetrics metrics({});
  for (const std::string_view name : s3::operation_names()) metrics.finished({}, record(name, 200));
  EXPECT_EQ(requests(metrics).size(), s3::operation_names().size());
  EXPECT_FALSE(requests(metrics).contains("unknown 200"));
}

TEST(RequestMetricsTest, NoRequestIsLostBetweenThreads) {
  constexpr int kEach = 20'000;
  RequestMetrics metrics({});
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) metrics.finished({}, record("GetObject", 200));
    });
  }
  double last = 0;
  while (last < 3.0 * kEach) {
    const auto now = requests(metrics);
    const double count = now.contains("GetObject 200") ? now.at("GetObject 200") : 0;
    ASSERT_GE(count, last);
    last = count;
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(requests(metrics).at("GetObject 200"), 3.0 * kEach);
}

}  // namespace
}  // namespace s3link::server
