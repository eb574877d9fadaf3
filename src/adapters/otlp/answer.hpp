#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/http_client.hpp"

namespace s3link::otlp {

/// What a collector's answer means for the spans that were sent.
struct Verdict {
  enum class Kind { taken, again, refused };
  Kind kind = Kind::taken;
  std::uint64_t rejected = 0;                          ///< spans, of those that were taken
  std::optional<std::chrono::milliseconds> wait = {};  ///< asked for before the next try
  std::string reason = {};                             ///< for a person; empty: all is well
};

/// 2xx is success, in part where the body says so; 429, 502, 503 and 504, and no answer at all, are worth another try,
/// after Retry-After where it is given; nothing else is. Source: OpenTelemetry Protocol Specification, "OTLP/HTTP
/// Response".
Verdict judge(const Result<ports::HttpClientResponse>& answer, Instant now);

}  // namespace s3link::otlp
