#include "core/trace/trace_context.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "core/base/encoding.hpp"

namespace s3link::trace {
namespace {

/// Longer than any real header; what is longer is not worth reading.
constexpr std::size_t kMaxHeaderBytes = 4096;

/// Exactly the digits of `out`, or false. `text` is "0123…" in either case when `upper_case` allows it.
template <std::size_t N>
bool read_hex(std::string_view text, std::array<std::byte, N>& out, bool upper_case) {
  if (text.size() != N * 2) return false;
  if (!upper_case && std::ranges::any_of(text, [](char c) { return c >= 'A' && c <= 'F'; })) return false;
  const auto raw = hex_decode(text);
  if (!raw) return false;
  std::ranges::copy(as_bytes(*raw), out.begin());
  return true;
}

template <std::size_t N>
bool is_zero(const std::array<std::byte, N>& bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

/// Up to the first `until`, which is taken off, too.
std::string_view take(std::string_view& text, char until) {
  const auto end = text.find(until);
  const std::string_view out = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return out;
}

/// "1-5759e988-bd862e3fe1be46a994272793".
bool read_root(std::string_view text, TraceId& out) {
  if (text.size() != 35 || !text.starts_with("1-") || text[10] != '-') return false;
  return read_hex(std::string(text.substr(2, 8)) + std::string(text.substr(11)), out.bytes, true);
}

}  // namespace

std::string xray_text(const TraceId& id) {
  const std::string hex = hex_text(id);
  return fmt::format("1-{}-{}", hex.substr(0, 8), hex.substr(8));
}

std::string hex_text(const TraceId& id) { return hex_encode(as_text(id.bytes)); }
std::string hex_text(const SegmentId& id) { return hex_encode(as_text(id.bytes)); }

TraceId make_trace_id(Instant now, const std::array<std::byte, 12>& random) {
  TraceId id;
  const auto seconds =
      static_cast<std::uint32_t>(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  for (std::size_t i = 0; i < 4; ++i) id.bytes[i] = std::byte(seconds >> (24 - 8 * i));
  std::ranges::copy(random, id.bytes.begin() + 4);
  return id;
}

bool is_sampled(const TraceId& id, double share) noexcept {
  constexpr std::size_t kChanceBytes = 7;
  std::uint64_t chance = 0;
  for (std::size_t i = id.bytes.size() - kChanceBytes; i < id.bytes.size(); ++i) {
    chance = chance << 8U | std::to_integer<std::uint64_t>(id.bytes[i]);
  }
  // Whole numbers: a double cannot tell the highest ids from 2^56.
  return chance < static_cast<std::uint64_t>(share * 0x1p56);
}

Result<TraceContext> parse_xray_header(std::string_view text, bool sampled_default) {
  TraceContext out{.trace = {}, .parent = {}, .sampled = sampled_default};
  if (text.size() > kMaxHeaderBytes) return fail(ErrorKind::invalid_argument, "X-Amzn-Trace-Id: too long");
  bool has_root = false;
  while (!text.empty()) {
    const std::string_view part = take(text, ';');
    std::string_view value = part;
    const std::string_view name = trim(take(value, '='));
    value = trim(value);
    if (equals_ignoring_case(name, "Root")) {
      if (has_root || !read_root(value, out.trace)) {
        return fail(ErrorKind::invalid_argument, "X-Amzn-Trace-Id: Root is not 1-<8 digits>-<24 digits>");
      }
      has_root = true;
    } else if (equals_ignoring_case(name, "Parent")) {
      SegmentId parent;
      if (out.parent || !read_hex(value, parent.bytes, true)) {
        return fail(ErrorKind::invalid_argument, "X-Amzn-Trace-Id: Parent is not 16 hexadecimal digits");
      }
      out.parent = parent;
    } else if (equals_ignoring_case(name, "Sampled")) {
      if (value == "1") out.sampled = true;
      if (value == "0") out.sampled = false;
    }
  }
  if (!has_root) return fail(ErrorKind::invalid_argument, "X-Amzn-Trace-Id: no Root");
  return out;
}

std::string xray_header(const TraceContext& context) {
  std::string out = "Root=" + xray_text(context.trace);
  if (context.parent) out += ";Parent=" + hex_text(*context.parent);
  out += context.sampled ? ";Sampled=1" : ";Sampled=0";
  return out;
}

std::string xray_id_of(std::string_view header) {
  const auto context = parse_xray_header(header, false);
  return context ? xray_text(context->trace) : std::string();
}

Result<TraceContext> parse_traceparent(std::string_view text) {
  const auto bad = [](std::string_view why) {
    return fail(ErrorKind::invalid_argument, fmt::format("traceparent: {}", why));
  };
  // version "-" trace-id "-" parent-id "-" trace-flags; a later version may append "-" and more.
  constexpr std::size_t kVersionZeroBytes = 55;
  if (text.size() < kVersionZeroBytes || text.size() > kMaxHeaderBytes) return bad("wrong length");
  if (text[2] != '-' || text[35] != '-' || text[52] != '-') return bad("not of the form 00-trace-parent-flags");

  std::array<std::byte, 1> version{};
  std::array<std::byte, 1> flags{};
  TraceContext out;
  SegmentId parent;
  if (!read_hex(text.substr(0, 2), version, false) || version[0] == std::byte{0xff}) return bad("no valid version");
  if (version[0] == std::byte{0} && text.size() != kVersionZeroBytes) return bad("wrong length");
  if (text.size() > kVersionZeroBytes && text[kVersionZeroBytes] != '-') return bad("wrong length");
  if (!read_hex(text.substr(3, 32), out.trace.bytes, false) || is_zero(out.trace.bytes))
    return bad("no valid trace-id");
  if (!read_hex(text.substr(36, 16), parent.bytes, false) || is_zero(parent.bytes)) return bad("no valid parent-id");
  if (!read_hex(text.substr(53, 2), flags, false)) return bad("no valid trace-flags");
  out.parent = parent;
  out.sampled = (flags[0] & std::byte{1}) != std::byte{0};
  return out;
}

std::string traceparent(const TraceContext& context, const SegmentId& parent) {
  return fmt::format("00-{}-{}-{}", hex_text(context.trace), hex_text(parent), context.sampled ? "01" : "00");
}

TraceContext trace_of_request(const std::string* xray, const std::string* traceparent, const TraceId& fresh,
                              double share) {
  std::optional<TraceContext> named;
  if (xray != nullptr) {
    // Read twice: where the caller left the decision open, it depends on the id.
    const auto first = parse_xray_header(*xray, false);
    if (first) named = *parse_xray_header(*xray, is_sampled(first->trace, share));
  }
  if (!named && traceparent != nullptr) {
    const auto parsed = parse_traceparent(*traceparent);
    if (parsed) named = *parsed;
  }
  if (!named) return {.trace = fresh, .parent = {}, .sampled = is_sampled(fresh, share)};
  named->sampled = named->sampled && share > 0;
  return *named;
}

}  // namespace s3link::trace
