#include "core/trace/xray_document.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <string_view>

#include "core/base/json_text.hpp"

namespace s3link::trace {
namespace {

constexpr std::size_t kMaxNameCharacters = 200;
constexpr std::size_t kMaxTextCharacters = 250;
constexpr std::size_t kMaxAnnotationNameCharacters = 500;
constexpr std::size_t kMaxAnnotationCharacters = 1000;
constexpr std::size_t kMaxAnnotations = 50;

/// How much of a segment is written.
enum class Detail { all, no_metadata, least };

/// A segment with its id, its members without the braces around them, and what hangs below it.
struct Node {
  SegmentId id;
  std::string members;
  std::vector<Node> children;
  std::size_t size = 0;  ///< of the whole branch inside its parent, in bytes
};

using Entries = std::vector<std::pair<std::string, std::string>>;
using UniqueEntries = std::vector<std::pair<std::string, std::string_view>>;

constexpr std::string_view kSubsegmentsBegin = R"(,"subsegments":[)";

bool is_alphanumeric(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Letters and digits of any script, blanks and a few symbols.
std::string segment_name(std::string_view text) {
  constexpr std::string_view kSymbols = " _.:/%&#=+\\-@";
  std::string out;
  for (std::size_t count = 0; !text.empty() && count < kMaxNameCharacters; ++count) {
    const std::size_t length = utf8_sequence_length(text);
    const char first = text.front();
    const bool is_control = length == 2 && first == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0;
    if (length > 1 && !is_control) {
      out += text.substr(0, length);
    } else {
      out += length == 1 && (is_alphanumeric(first) || kSymbols.contains(first)) ? first : '_';
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out.empty() ? "unnamed" : out;
}

std::string annotation_name(std::string_view text) {
  std::string out(text.substr(0, kMaxAnnotationNameCharacters));
  std::ranges::replace_if(out, [](char c) { return !is_alphanumeric(c); }, '_');
  return out;
}

/// An object has each name once: the last value counts.
void set(UniqueEntries& entries, std::string name, std::string_view value) {
  const auto same = std::ranges::find(entries, name, &UniqueEntries::value_type::first);
  if (same != entries.end()) {
    same->second = value;
  } else {
    entries.emplace_back(std::move(name), value);
  }
}

/// Seconds since 1970 with three decimals.
std::string seconds(Instant when) {
  const std::int64_t ms = std::max<std::int64_t>(to_unix_ms(when), 0);
  return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

void add_text(JsonObject& object, std::string_view name, std::string_view value) {
  if (!value.empty()) object.text(name, value, kMaxTextCharacters);
}

void add_aws(JsonObject& object, const Segment::Aws& aws) {
  JsonObject members(object.member("aws"));
  add_text(members, "operation", aws.operation);
  add_text(members, "region", aws.region);
  add_text(members, "request_id", aws.request_id);
  if (aws.retries != 0) members.literal("retries", std::to_string(aws.retries));
}

void add_cause(JsonObject& object, const Cause& cause, const SegmentId& id) {
  JsonObject members(object.member("cause"));
  std::string& out = members.member("exceptions");
  out += '[';
  {
    JsonObject exception(out);
    exception.text("id", hex_text(id));
    add_text(exception, "message", cause.message);
    add_text(exception, "type", cause.type);
  }
  out += ']';
}

void add_annotations(JsonObject& object, const Entries& annotations) {
  UniqueEntries entries;
  for (const auto& [name, value] : annotations) {
    if (!name.empty()) set(entries, annotation_name(name), value);
  }
  if (entries.empty()) return;
  if (entries.size() > kMaxAnnotations) entries.resize(kMaxAnnotations);
  JsonObject members(object.member("annotations"));
  for (const auto& [name, value] : entries) members.text(name, value, kMaxAnnotationCharacters);
}

/// Under "default", where the SDKs put what was given no name space of its own.
void add_metadata(JsonObject& object, const Entries& metadata) {
  if (metadata.empty()) return;
  UniqueEntries entries;
  for (const auto& [name, value] : metadata) set(entries, name, value);
  JsonObject spaces(object.member("metadata"));
  JsonObject members(spaces.member("default"));
  for (const auto& [name, value] : entries) members.text(name, value);
}

class Renderer {
 public:
  Renderer(const TraceContext& context, const NewSegmentId& new_id, std::size_t max_bytes)
      : context_(context), new_id_(new_id), max_bytes_(max_bytes) {}

  std::vector<std::string> render(const Segment& segment) {
    const bool is_root = !context_.parent || segment.role != Role::part;
    write(measured(segment, is_root), context_.parent, is_root);
    return std::move(documents_);
  }

 private:
  /// The branch with ids and sizes. `is_root`: a segment of its own, not a subsegment.
  Node measured(const Segment& segment, bool is_root) {
    Node node{.id = segment.id ? *segment.id : new_id_(), .members = {}, .children = {}, .size = 0};
    const SegmentId cause_id = segment.cause ? new_id_() : SegmentId{};
    for (const Detail detail : {Detail::all, Detail::no_metadata, Detail::least}) {
      node.members = members(segment, node.id, cause_id, is_root, detail);
      if (node.members.size() + envelope(SegmentId{}, false).size() + 2 <= max_bytes_) break;
    }
    node.children.reserve(segment.children.size());
    for (const Segment& child : segment.children) node.children.push_back(measured(child, false));
    node.size = size_of(node);
    return node;
  }

  static std::size_t size_of(const Node& node) {
    std::size_t size = node.members.size() + 2;
    for (const Node& child : node.children) size += child.size + 1;
    return node.children.empty() ? size : size + kSubsegmentsBegin.size();
  }

  static std::string members(const Segment& segment, const SegmentId& id, const SegmentId& cause_id, bool is_root,
                             Detail detail) {
    std::string out;
    {
      JsonObject object(out);
      object.text("id", hex_text(id));
      object.text("name", segment_name(segment.name));
      object.literal("start_time", seconds(segment.start));
      object.literal("end_time", seconds(std::max(segment.start, segment.end)));
      if (!is_root) {  // of a segment, "aws" says where it runs, and there is no name space
        add_text(object, "namespace", segment.name_space);
        if (segment.aws) add_aws(object, *segment.aws);
      }
      if (segment.http_status != 0) {
        object.literal("http", fmt::format(R"({{"response":{{"status":{}}}}})", segment.http_status));
      }
      if (segment.error) object.literal("error", "true");
      if (segment.fault) object.literal("fault", "true");
      if (segment.throttle) object.literal("throttle", "true");
      if (segment.cause) add_cause(object, *segment.cause, cause_id);
      if (detail != Detail::least) add_annotations(object, segment.annotations);
      if (detail == Detail::all) add_metadata(object, segment.metadata);
    }
    return out.substr(1, out.size() - 2);
  }

  /// What a document has more than an embedded subsegment.
  std::string envelope(const std::optional<SegmentId>& parent, bool is_root) const {
    std::string out = fmt::format(R"(,"trace_id":"{}")", xray_text(context_.trace));
    if (parent) out += fmt::format(R"(,"parent_id":"{}")", hex_text(*parent));
    if (!is_root) out += R"(,"type":"subsegment")";
    return out;
  }

  static void append_children(std::string& out, const std::vector<Node>& children) {
    if (children.empty()) return;
    out += kSubsegmentsBegin;
    for (const Node& child : children) {
      if (&child != &children.front()) out += ',';
      out += '{';
      out += child.members;
      append_children(out, child.children);
      out += '}';
    }
    out += ']';
  }

  /// A document of the branch, then one for each branch below that it has no room for.
  void write(Node node, const std::optional<SegmentId>& parent, bool is_root) {
    const std::string more = envelope(parent, is_root);
    std::vector<Node> apart;
    while (node.size + more.size() > max_bytes_ && !node.children.empty()) {
      const auto largest = std::ranges::max_element(node.children, {}, &Node::size);
      apart.push_back(std::move(*largest));
      node.children.erase(largest);
      node.size = size_of(node);
    }
    std::string document = "{" + node.members + more;
    append_children(document, node.children);
    document += '}';
    assert(document.size() <= max_bytes_);
    documents_.push_back(std::move(document));
    for (Node& branch : apart) write(std::move(branch), node.id, false);
  }

  const TraceContext& context_;
  const NewSegmentId& new_id_;
  const std::size_t max_bytes_;
  std::vector<std::string> documents_;
};

}  // namespace

std::vector<std::string> xray_documents(const TraceContext& context, const Segment& segment, const NewSegmentId& new_id,
                                        std::size_t max_bytes) {
  assert(max_bytes >= kMinXrayDocumentLimit);
  return Renderer(context, new_id, max_bytes).render(segment);
}

}  // namespace s3link::trace
