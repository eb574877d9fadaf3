#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace s3link::metrics {

/// What numbers of one name do. Source: Prometheus documentation, "Metric types".
enum class Kind {
  counter,    ///< only grows, but for a restart
  gauge,      ///< goes up and down
  histogram,  ///< counts of what was observed, by size
};

struct Label {
  std::string name;
  std::string value;
  bool operator==(const Label&) const = default;
};

struct Bucket {
  double upper_bound = 0;        ///< inclusive, in the family's base unit
  std::uint64_t cumulative = 0;  ///< observations up to it
  bool operator==(const Bucket&) const = default;
};

struct HistogramValue {
  std::vector<Bucket> buckets;  ///< ascending, the infinite one left out
  std::uint64_t count = 0;
  double sum = 0;  ///< of what was observed, in the family's base unit
  bool operator==(const HistogramValue&) const = default;
};

struct Sample {
  std::vector<Label> labels;
  double value = 0;          ///< of a counter or gauge
  HistogramValue histogram;  ///< of a histogram
  bool operator==(const Sample&) const = default;
};

/// All numbers of one name, told apart by their labels. Names and units as Prometheus has them ("Metric and label
/// naming"): prefix s3link_, base units, counters end in _total.
struct Family {
  std::string name;
  std::string help;  ///< one line
  Kind kind = Kind::gauge;
  std::vector<Sample> samples;
  bool operator==(const Family&) const = default;
};
using Families = std::vector<Family>;

/// A family of one number without labels.
Family counter(std::string name, std::string help, double value);
Family gauge(std::string name, std::string help, double value);

/// A sample of a counter or gauge with one label.
Sample labelled(std::string name, std::string value, double number);

}  // namespace s3link::metrics
