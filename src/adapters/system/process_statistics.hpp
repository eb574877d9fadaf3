#pragma once

#include <cstdint>
#include <optional>

#include "core/metrics/family.hpp"

namespace s3link::system {

/// What the system says about this process. What it does not say is left out.
/// Source: proc(5), getrlimit(2), getrusage(2).
struct ProcessStatistics {
  double cpu_seconds = 0;  ///< user and system
  std::optional<std::uint64_t> resident_bytes;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint64_t> open_files;
  std::optional<std::uint64_t> max_files;
  std::optional<std::uint64_t> threads;
  std::optional<double> started;  ///< Unix time
};
ProcessStatistics read_process_statistics();

/// Under the names that all of Prometheus' client libraries use: process_cpu_seconds_total and so on.
metrics::Families process_families(const ProcessStatistics& statistics);

}  // namespace s3link::system
