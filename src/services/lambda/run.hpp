#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "core/base/instant.hpp"
#include "ports/logger.hpp"

namespace s3link::lambda {

/// One invocation, and how its time is divided.
struct Run {
  /// Kept for the answer: the runtime must have it before the deadline.
  static constexpr std::chrono::milliseconds kAnswerTime{300};
  /// Kept for recording a mail that was sent.
  static constexpr std::chrono::milliseconds kRecordTime{500};
  /// What a mail needs at least: with less left none is begun.
  static constexpr std::chrono::milliseconds kMailTime{1'200};
  /// A claim ends this long after the process that holds it is dead: clocks differ a little. Lambda's first retry
  /// comes a minute after the failure, so it finds the lease ended.
  static constexpr std::chrono::milliseconds kLeaseMargin{2'000};

  Run(std::string request, std::string trace, Instant deadline)
      : request_id(std::move(request)),
        trace_id(std::move(trace)),
        work_until(deadline - kAnswerTime),
        send_until(work_until - kRecordTime),
        lease_until(deadline + kLeaseMargin) {}

  bool has_time_for_a_mail(Instant now) const { return now + kMailTime <= work_until; }

  /// What every log line of this invocation begins with, and more.
  std::vector<ports::LogField> fields(std::vector<ports::LogField> more) const {
    std::vector<ports::LogField> out;
    out.reserve(more.size() + 2);
    out.push_back({"request_id", request_id});
    if (!trace_id.empty()) out.push_back({"trace_id", trace_id});
    for (auto& field : more) out.push_back(std::move(field));
    return out;
  }

  std::string request_id;
  std::string trace_id;  ///< X-Ray's form; empty where there is none
  Instant work_until;
  Instant send_until;
  Instant lease_until;
};

}  // namespace s3link::lambda
