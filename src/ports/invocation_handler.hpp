#pragma once

#include <expected>
#include <string>

#include "core/base/instant.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// One call of a function by its runtime.
struct Invocation {
  std::string request_id;
  Instant deadline;          ///< the runtime kills the process that has not answered by then
  std::string trace_header;  ///< as received: "Root=1-…;Parent=…;Sampled=1"; may be empty
  std::string function_arn;
  std::string payload;  ///< the event, JSON if the caller kept its word
};

/// What a failed call is answered with. No secret, no stack.
struct InvocationError {
  std::string type;     ///< "s3link.InvalidEvent": a word that alarms and redrives can rely on
  std::string message;  ///< for a person: what failed, and what to do
  bool operator==(const InvocationError&) const = default;
};

/// Does the work of a function. One call at a time. Must outlive the awaitable.
class InvocationHandler {
 public:
  virtual ~InvocationHandler() = default;

  /// Returns the JSON to answer with. Ends well before the deadline: what is not done by then is an error.
  virtual Awaitable<std::expected<std::string, InvocationError>> handle(Invocation invocation) = 0;
};

}  // namespace s3link::ports
