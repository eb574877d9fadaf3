#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"

namespace s3link::trace {

/// 16 bytes, of which X-Ray takes the first four for the time of the first request in Unix seconds.
/// The same bytes are a W3C trace-id.
struct TraceId {
  std::array<std::byte, 16> bytes{};
  bool operator==(const TraceId&) const = default;
};

/// 8 bytes: a segment's id, a W3C parent-id.
struct SegmentId {
  std::array<std::byte, 8> bytes{};
  bool operator==(const SegmentId&) const = default;
};

/// "1-5759e988-bd862e3fe1be46a994272793".
std::string xray_text(const TraceId& id);
/// 32 lower-case hexadecimal digits, as in traceparent and OTLP.
std::string hex_text(const TraceId& id);
/// 16 lower-case hexadecimal digits.
std::string hex_text(const SegmentId& id);

/// A new id: the time of `now`, the rest from `random` (12 bytes).
TraceId make_trace_id(Instant now, const std::array<std::byte, 12>& random);

/// The trace a piece of work belongs to.
struct TraceContext {
  TraceId trace;
  std::optional<SegmentId> parent;  ///< the segment that caused it
  bool sampled = true;              ///< whether its segments are to be recorded
  bool operator==(const TraceContext&) const = default;
};

/// Whether a trace belongs to the recorded share of all (0 to 1): the same answer for the same id, whoever asks. A
/// higher share records what a lower one does, and more. Read off the last 7 bytes, which W3C Trace Context Level 2,
/// "Random Trace ID Flag", leaves to chance.
bool is_sampled(const TraceId& id, double share) noexcept;

/// Reads "Root=1-…;Parent=…;Sampled=1" in any order, unknown parts (Self, Lineage) ignored; Sampled "?" or absent
/// leaves `sampled_default`. Errors: invalid_argument. Source: AWS X-Ray Developer Guide, "Tracing header".
Result<TraceContext> parse_xray_header(std::string_view text, bool sampled_default);
std::string xray_header(const TraceContext& context);
/// The id that such a header names, as xray_text() prints it; empty: there is none.
std::string xray_id_of(std::string_view header);

/// Reads a W3C traceparent of any version but ff. Errors: invalid_argument.
/// Source: W3C Trace Context, §3.2.
Result<TraceContext> parse_traceparent(std::string_view text);
/// Version 00, for a call made by the segment `parent`.
std::string traceparent(const TraceContext& context, const SegmentId& parent);

/// The trace a request belongs to: the one its X-Amzn-Trace-Id tells, else its traceparent, else the new one of id
/// `fresh`. A header that cannot be read counts as none (null: there is none). Whether it is recorded was decided by
/// the caller, or else by `share`; with a share of 0 nothing is, whatever callers say.
TraceContext trace_of_request(const std::string* xray, const std::string* traceparent, const TraceId& fresh,
                              double share);

}  // namespace s3link::trace
