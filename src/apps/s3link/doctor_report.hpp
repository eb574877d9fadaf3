#pragma once

#include <chrono>
#include <string>

#include "core/doctor/finding.hpp"

namespace s3link::app {

/// Prints findings as they come, as lines or as one JSON array, and counts them. Keeps the time of the whole.
class DoctorReport {
 public:
  DoctorReport(bool json, std::chrono::steady_clock::time_point deadline);

  void add(const doctor::Finding& finding);
  void ok(std::string check, std::string message);
  void warning(std::string check, std::string message, std::string fix);
  void failed(std::string check, std::string message, std::string fix);
  void skipped(std::string check, std::string message, std::string fix = {});

  /// Whether another check may begin; where not, notes that it was skipped.
  bool has_time_for(const std::string& check);

  /// Ends the output and returns the exit status.
  int finish();

 private:
  const bool json_;
  const std::chrono::steady_clock::time_point deadline_;
  unsigned count_ = 0, warnings_ = 0, failed_ = 0;
};

}  // namespace s3link::app
