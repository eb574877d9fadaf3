#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/instant.hpp"
#include "core/trace/trace_context.hpp"

namespace s3link::trace {

/// What went wrong in a segment: the error's class and its words. No secret, no presigned URL.
struct Cause {
  std::string type;
  std::string message;
  bool operator==(const Cause&) const = default;
};

/// What a segment is to the trace.
enum class Role {
  part,      ///< of the segment above it: a subsegment
  server,    ///< a service's answer to a request: a segment of its own, whoever caused it
  consumer,  ///< a service's work on an event that waited for it: a segment of its own
};

/// One unit of work while it is measured and once it is finished. A service fills it, hanging the parts of the work
/// into `children`; whoever has the root hands it to a ports::TraceSink when the work has ended. Where no id was needed
/// before, it is given then. Source: AWS X-Ray Developer Guide, "X-Ray segment documents".
struct Segment {
  std::optional<SegmentId> id = std::nullopt;  ///< set where others name it as their parent before it is emitted
  Role role = Role::part;
  std::string name;        ///< up to 200 characters; for calls to AWS the service: "SES", "DynamoDB"
  std::string name_space;  ///< "aws" (an SDK call), "remote" (another service), or empty
  Instant start;
  Instant end;
  bool error = false;     ///< the caller's fault: 4xx
  bool fault = false;     ///< the server's fault: 5xx, an unexpected failure
  bool throttle = false;  ///< refused for too many requests: 429, ThrottlingException
  std::optional<Cause> cause;

  /// For name_space "aws"; empty or zero members are left out.
  struct Aws {
    std::string operation;  ///< "SendEmail"
    std::string region;
    std::string request_id;
    unsigned retries = 0;
    bool operator==(const Aws&) const = default;
  };
  std::optional<Aws> aws;
  unsigned http_status = 0;  ///< of the last answer; 0: none

  std::vector<std::pair<std::string, std::string>> annotations;  ///< indexed: letters, digits, '_' in the name
  std::vector<std::pair<std::string, std::string>> metadata;     ///< not indexed
  std::vector<Segment> children;

  bool operator==(const Segment&) const = default;
};

}  // namespace s3link::trace
