#include "apps/s3link/doctor_report.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <utility>

#include "apps/s3link/exit_status.hpp"

namespace s3link::app {

using doctor::Verdict;

DoctorReport::DoctorReport(bool json, std::chrono::steady_clock::time_point deadline)
    : json_(json), deadline_(deadline) {}

void DoctorReport::add(const doctor::Finding& finding) {
  if (json_) {
    fmt::print("{}{}", count_ == 0 ? "[" : ",\n ", doctor::finding_json(finding));
  } else {
    fmt::print("{}", doctor::finding_text(finding));
  }
  std::fflush(stdout);
  ++count_;
  if (finding.verdict == Verdict::warning) ++warnings_;
  if (finding.verdict == Verdict::failed) ++failed_;
}

void DoctorReport::ok(std::string check, std::string message) {
  add({std::move(check), Verdict::ok, std::move(message), ""});
}
void DoctorReport::warning(std::string check, std::string message, std::string fix) {
  add({std::move(check), Verdict::warning, std::move(message), std::move(fix)});
}
void DoctorReport::failed(std::string check, std::string message, std::string fix) {
  add({std::move(check), Verdict::failed, std::move(message), std::move(fix)});
}
void DoctorReport::skipped(std::string check, std::string message, std::string fix) {
  add({std::move(check), Verdict::skipped, std::move(message), std::move(fix)});
}

bool DoctorReport::has_time_for(const std::string& check) {
  if (std::chrono::steady_clock::now() < deadline_) return true;
  skipped(check, "the checks before it took too long");
  return false;
}

int DoctorReport::finish() {
  if (json_) {
    fmt::print("{}]\n", count_ == 0 ? "[" : "");
  } else if (failed_ + warnings_ == 0) {
    fmt::print("nothing is wrong\n");
  } else {
    fmt::print("{} failed, {} warning{}\n", failed_, warnings_, warnings_ == 1 ? "" : "s");
  }
  std::fflush(stdout);
  return failed_ == 0 ? kDone : kFailed;
}

}  // namespace s3link::app
