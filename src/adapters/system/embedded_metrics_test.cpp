#include "adapters/system/embedded_metrics.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <limits>

namespace s3link::system {
namespace {

namespace json = boost::json;

const Instant kWhen = from_unix_ms(1'369'353'600'123);

EmbeddedMetricsOptions options() { return {.name_space = "s3link", .dimensions = {{"FunctionName", "LinkGenerator"}}}; }

ports::Metric count(std::string name, double value) {
  return {.name = std::move(name), .unit = "Count", .value = value};
}

json::object document(const std::vector<ports::Metric>& metrics,
                      const std::vector<std::pair<std::string, std::string>>& properties) {
  return json::parse(embedded_metrics(options(), kWhen, metrics, properties)).as_object();
}

// The members that the specification names, in its shape.
TEST(EmbeddedMetrics, TheDocumentIsThatOfTheSpecification) {
  const auto root = document({count("Delivered", 2), {.name = "Duration", .unit = "Milliseconds", .value = 12.5}},
                             {{"request_id", "8476a536"}});
  const json::value want = json::parse(R"({
    "_aws": {
      "Timestamp": 1369353600123,
      "CloudWatchMetrics": [{
        "Namespace": "s3link",
        "Dimensions": [["FunctionName"]],
        "Metrics": [{"Name": "Delivered", "Unit": "Count"}, {"Name": "Duration", "Unit": "Milliseconds"}]
      }]
    },
    "timestamp": "2013-05-24T00:00:00.123Z",
    "level": "INFO",
    "FunctionName": "LinkGenerator",
    "Delivered": 2,
    "Duration": 12.5,
    "request_id": "8476a536"
  })");
  // Whole numbers are written without a fraction, which JSON does not tell apart from one.
  EXPECT_EQ(root, want.as_object());
}

TEST(EmbeddedMetrics, IsOneLine) {
  const std::string line = embedded_metrics(options(), kWhen, {count("A", 1)}, {{"key", "two\nlines\xff"}});
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(json::parse(line).at("key"), "two\nlines\xEF\xBF\xBD");
}

TEST(EmbeddedMetrics, APropertyDoesNotReplaceWhatIsMeasured) {
  const auto root = document(
      {count("Delivered", 2)},
      {{"Delivered", "x"}, {"FunctionName", "x"}, {"_aws", "x"}, {"timestamp", "x"}, {"level", "x"}, {"other", "y"}});
  EXPECT_EQ(root.at("Delivered"), 2);
  EXPECT_EQ(root.at("FunctionName"), "LinkGenerator");
  EXPECT_EQ(root.at("level"), "INFO");
  EXPECT_EQ(root.at("other"), "y");
  EXPECT_EQ(root.size(), 6U);
}

TEST(EmbeddedMetrics, WhatIsNoNumberIsLeftOut) {
  const auto root = document({count("Nan", std::numeric_limits<double>::quiet_NaN()),
                              count("Infinite", std::numeric_limits<double>::infinity()), count("Finite", 1)},
                             {});
  EXPECT_EQ(root.at("_aws").at("CloudWatchMetrics").at(0).at("Metrics").as_array().size(), 1U);
  EXPECT_FALSE(root.contains("Nan"));
  EXPECT_FALSE(root.contains("Infinite"));
  EXPECT_EQ(root.at("Finite"), 1);
}

TEST(EmbeddedMetrics, ADirectiveHasAtMostAHundredMetrics) {
  std::vector<ports::Metric> many;
  for (int i = 0; i < 101; ++i) many.push_back(count("M" + std::to_string(i), i));
  const auto root = document(many, {});
  EXPECT_EQ(root.at("_aws").at("CloudWatchMetrics").at(0).at("Metrics").as_array().size(), 100U);
  EXPECT_FALSE(root.contains("M100"));
}

TEST(EmbeddedMetrics, EachCallIsALineOfTheDescriptor) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  EmbeddedMetrics metrics(options(), pipe[1]);
  metrics.record({count("Delivered", 1)}, {});
  metrics.record({count("Delivered", 2)}, {});
  ::close(pipe[1]);
  std::string written(8192, '\0');
  const ssize_t size = ::read(pipe[0], written.data(), written.size());
  ::close(pipe[0]);
  ASSERT_GT(size, 0);
  written.resize(static_cast<std::size_t>(size));
  const auto end = written.find('\n');
  EXPECT_EQ(json::parse(written.substr(0, end)).at("Delivered"), 1);
  ASSERT_TRUE(written.ends_with('\n'));
  EXPECT_EQ(json::parse(written.substr(end + 1, written.size() - end - 2)).at("Delivered"), 2);
}

}  // namespace
}  // namespace s3link::system
