#include "adapters/system/embedded_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <string_view>

#include "adapters/system/write_line.hpp"
#include "core/base/json_text.hpp"

namespace s3link::system {

namespace {

constexpr std::size_t kMaxMetrics = 100;

std::vector<ports::Metric> presentable(const std::vector<ports::Metric>& metrics) {
  std::vector<ports::Metric> out;
  std::ranges::copy_if(metrics, std::back_inserter(out),
                       [](const auto& metric) { return std::isfinite(metric.value); });
  if (out.size() > kMaxMetrics) out.resize(kMaxMetrics);
  return out;
}

// {"Namespace":…,"Dimensions":[[…]],"Metrics":[{"Name":…,"Unit":…},…]}
void append_directive(std::string& out, const EmbeddedMetricsOptions& options,
                      const std::vector<ports::Metric>& metrics) {
  JsonObject directive(out);
  directive.text("Namespace", options.name_space);
  std::string names;
  for (const auto& [name, value] : options.dimensions) {
    if (!names.empty()) names += ',';
    append_json_string(names, name);
  }
  directive.literal("Dimensions", "[[" + names + "]]");
  std::string definitions;
  for (const ports::Metric& metric : metrics) {
    if (!definitions.empty()) definitions += ',';
    JsonObject definition(definitions);
    definition.text("Name", metric.name);
    definition.text("Unit", metric.unit);
  }
  directive.literal("Metrics", "[" + definitions + "]");
}

}  // namespace

std::string embedded_metrics(const EmbeddedMetricsOptions& options, Instant when,
                             const std::vector<ports::Metric>& metrics,
                             const std::vector<std::pair<std::string, std::string>>& properties) {
  const auto given = presentable(metrics);
  const auto is_taken = [&](std::string_view name) {
    constexpr std::array<std::string_view, 3> kOurs = {"_aws", "timestamp", "level"};
    return std::ranges::find(kOurs, name) != kOurs.end() ||
           std::ranges::find(given, name, &ports::Metric::name) != given.end() ||
           std::ranges::find(options.dimensions, name, &std::pair<std::string, std::string>::first) !=
               options.dimensions.end();
  };
  std::string line;
  {
    JsonObject root(line);
    {
      JsonObject metadata(root.member("_aws"));
      metadata.literal("Timestamp", fmt::format("{}", to_unix_ms(when)));
      auto& directives = metadata.member("CloudWatchMetrics");
      directives += '[';
      append_directive(directives, options, given);
      directives += ']';
    }
    root.text("timestamp", iso8601(when));
    root.text("level", options.level);
    for (const auto& [name, value] : options.dimensions) root.text(name, value);
    for (const auto& [name, unit, value] : given) root.literal(name, fmt::format("{}", value));
    for (const auto& [name, value] : properties) {
      if (!is_taken(name)) root.text(name, value);
    }
  }
  return line;
}

void EmbeddedMetrics::record(const std::vector<ports::Metric>& metrics,
                             const std::vector<std::pair<std::string, std::string>>& properties) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  write_line(descriptor_, embedded_metrics(options_, now, metrics, properties));
}

}  // namespace s3link::system
