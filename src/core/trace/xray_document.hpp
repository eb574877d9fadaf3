#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "core/trace/segment.hpp"
#include "core/trace/trace_context.hpp"

namespace s3link::trace {

/// Gives another id at each call: random in service, counted in tests.
using NewSegmentId = std::function<SegmentId()>;

/// "up to 64 kB": taken as the smaller of its readings, which also fits one UDP datagram with the daemon's header.
inline constexpr std::size_t kMaxXrayDocumentBytes = 64'000;
/// What one segment without metadata and annotations can need.
inline constexpr std::size_t kMinXrayDocumentLimit = 16'384;

/// The finished segment and its children as X-Ray segment documents, each JSON in one line, each of at most `max_bytes`
/// (kMinXrayDocumentLimit or more). With a parent in `context` the segment becomes a subsegment of it, or, where its
/// role says so, a segment of its own that names it; without one, the root of the trace. Where all of it does not fit
/// into one document, the largest branches follow as documents of their own, parents before their children.
///
/// What X-Ray would refuse is made to fit: characters that names do not allow become '_', texts are cut at the guide's
/// lengths, an end before the start becomes the start; where one segment alone is too large, its metadata is left out,
/// and if need be its annotations.
/// Source: AWS X-Ray Developer Guide, "X-Ray segment documents". Drawn in docs/formats/xray-segment.md.
std::vector<std::string> xray_documents(const TraceContext& context, const Segment& segment, const NewSegmentId& new_id,
                                        std::size_t max_bytes = kMaxXrayDocumentBytes);

}  // namespace s3link::trace
