#include "adapters/otlp/span_json.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/base/json_text.hpp"

namespace s3link::otlp {
namespace {

using trace::Role;
using trace::Segment;

constexpr std::size_t kMaxCharacters = 4096;

// trace.proto, enum SpanKind.
enum class Kind { internal = 1, server = 2, client = 3, consumer = 5 };
// trace.proto, enum StatusCode.
constexpr std::string_view kStatusError = "2";

Kind kind_of(const Segment& segment) {
  if (segment.role == Role::server) return Kind::server;
  if (segment.role == Role::consumer) return Kind::consumer;
  return segment.name_space.empty() ? Kind::internal : Kind::client;
}

/// A server's 4xx is no error of its span: the caller's is.
bool failed(const Segment& segment) { return segment.fault || (segment.error && segment.role != Role::server); }

std::string nanoseconds(Instant when) {
  const std::int64_t ms = std::max<std::int64_t>(to_unix_ms(when), 0);
  return ms == 0 ? "0" : std::to_string(ms) + "000000";
}

/// The elements of an array of KeyValue.
class Attributes {
 public:
  explicit Attributes(std::string& out) : out_(out) { out_ += '['; }
  ~Attributes() { out_ += ']'; }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;

  void text(std::string_view key, std::string_view value) {
    if (!value.empty()) add(key, "stringValue", json_string(value, kMaxCharacters));
  }
  /// 64-bit numbers are strings in JSON.
  void number(std::string_view key, std::uint64_t value) {
    if (value != 0) add(key, "intValue", '"' + std::to_string(value) + '"');
  }

 private:
  void add(std::string_view key, std::string_view type, std::string_view value) {
    if (!first_) out_ += ',';
    first_ = false;
    JsonObject pair(out_);
    pair.text("key", key, kMaxCharacters);
    JsonObject any(pair.member("value"));
    any.literal(type, value);
  }

  std::string& out_;
  bool first_ = true;
};

void add_attributes(JsonObject& span, const Segment& segment) {
  Attributes attributes(span.member("attributes"));
  attributes.number("http.response.status_code", segment.http_status);
  if (segment.aws) {
    attributes.text("rpc.system", "aws-api");
    attributes.text("rpc.method", segment.aws->operation);
    attributes.text("cloud.region", segment.aws->region);
    attributes.text("aws.request_id", segment.aws->request_id);
    attributes.number("s3link.retries", segment.aws->retries);
  }
  if (segment.cause) attributes.text("error.type", segment.cause->type);
  for (const auto* const entries : {&segment.annotations, &segment.metadata}) {
    for (const auto& [name, value] : *entries) attributes.text("s3link." + name, value);
  }
}

void add_exception(JsonObject& span, const trace::Cause& cause, Instant when) {
  std::string& out = span.member("events");
  out += '[';
  {
    JsonObject event(out);
    event.text("timeUnixNano", nanoseconds(when));
    event.text("name", "exception");
    Attributes attributes(event.member("attributes"));
    attributes.text("exception.type", cause.type);
    attributes.text("exception.message", cause.message);
  }
  out += ']';
}

class Encoder {
 public:
  Encoder(const trace::TraceContext& context, const trace::NewSegmentId& new_id) : context_(context), new_id_(new_id) {}

  void encode(const Segment& segment, const std::optional<trace::SegmentId>& parent) {
    const trace::SegmentId id = segment.id ? *segment.id : new_id_();
    const Instant end = std::max(segment.start, segment.end);
    std::string out;
    {
      JsonObject span(out);
      span.text("traceId", trace::hex_text(context_.trace));
      span.text("spanId", trace::hex_text(id));
      if (parent) span.text("parentSpanId", trace::hex_text(*parent));
      span.text("name", segment.name, kMaxCharacters);
      span.literal("kind", std::to_string(std::to_underlying(kind_of(segment))));
      span.text("startTimeUnixNano", nanoseconds(segment.start));
      span.text("endTimeUnixNano", nanoseconds(end));
      add_attributes(span, segment);
      if (segment.cause) add_exception(span, *segment.cause, end);
      if (failed(segment)) {
        JsonObject status(span.member("status"));
        if (segment.cause) status.text("message", segment.cause->message, kMaxCharacters);
        status.literal("code", kStatusError);
      }
    }
    spans.push_back(std::move(out));
    for (const Segment& child : segment.children) encode(child, id);
  }

  std::vector<std::string> spans;

 private:
  const trace::TraceContext& context_;
  const trace::NewSegmentId& new_id_;
};

}  // namespace

std::vector<std::string> spans_of(const trace::TraceContext& context, const trace::Segment& segment,
                                  const trace::NewSegmentId& new_id) {
  Encoder encoder(context, new_id);
  encoder.encode(segment, context.parent);
  return std::move(encoder.spans);
}

std::string export_request(const std::vector<std::string>& spans, std::string_view version) {
  std::string out = R"({"resourceSpans":[{"resource":{"attributes":)";
  {
    Attributes attributes(out);
    attributes.text("service.name", "s3link");
    attributes.text("service.version", version);
  }
  out += R"(},"scopeSpans":[{"scope":{"name":"s3link","version":)";
  append_json_string(out, version);
  out += R"(},"spans":[)";
  for (const std::string& span : spans) {
    if (&span != &spans.front()) out += ',';
    out += span;
  }
  out += "]}]}]}";
  return out;
}

}  // namespace s3link::otlp
