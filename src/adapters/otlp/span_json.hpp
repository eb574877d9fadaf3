#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/trace/segment.hpp"
#include "core/trace/trace_context.hpp"
#include "core/trace/xray_document.hpp"

namespace s3link::otlp {

/// A segment and its children as OpenTelemetry spans, each one JSON object of OTLP's JSON encoding: parents first, ids
/// in hexadecimal, times in nanoseconds as strings, enumerations as numbers. Annotations and metadata are attributes
/// "s3link.…", cut at 4,096 characters; what went wrong is an event "exception".
/// Source: OpenTelemetry Protocol Specification, "JSON Protobuf Encoding"; opentelemetry/proto/trace/v1/trace.proto;
/// OpenTelemetry semantic conventions, "HTTP spans" (status) and "Exceptions on spans".
/// Drawn in docs/formats/otlp.md.
std::vector<std::string> spans_of(const trace::TraceContext& context, const trace::Segment& segment,
                                  const trace::NewSegmentId& new_id);

/// ExportTraceServiceRequest with these spans, of the service "s3link" in that version.
std::string export_request(const std::vector<std::string>& spans, std::string_view version);

}  // namespace s3link::otlp
