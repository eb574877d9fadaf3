// Trace headers come from clients. Reading one never crashes, and what was read is printed and read back as it was.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/trace/trace_context.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace trace = s3link::trace;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const bool sampled : {true, false}) {
    if (const auto context = trace::parse_xray_header(text, sampled)) {
      if (trace::parse_xray_header(trace::xray_header(*context), !context->sampled) != *context) std::abort();
    }
  }
  if (const auto context = trace::parse_traceparent(text)) {
    if (!context->parent) std::abort();
    if (trace::parse_traceparent(trace::traceparent(*context, *context->parent)) != *context) std::abort();
  }
  return 0;
}
