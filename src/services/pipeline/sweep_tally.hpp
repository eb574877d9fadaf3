#pragma once

#include <atomic>
#include <cstdint>

namespace s3link::pipeline {

/// What the sweeper did since the start.
struct SweepTally {
  std::atomic<std::uint64_t> removed_objects = 0;
  std::atomic<std::uint64_t> aborted_uploads = 0;
  std::atomic<std::uint64_t> runs = 0;             ///< that did all there was to do
  std::atomic<std::uint64_t> failed_runs = 0;      ///< ended by an error of the store
  std::atomic<std::int64_t> last_run_unix_ms = 0;  ///< end of the last of `runs`; 0: there was none
};

}  // namespace s3link::pipeline
