#include "core/s3/lifecycle.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <set>
#include <utility>

#include "core/s3/error_code.hpp"
#include "core/s3/names.hpp"
#include "core/s3/xml_document.hpp"
#include "core/s3/xml_writer.hpp"

namespace s3link::s3 {
namespace {

using xml::malformed;
using xml::stripped;
using xml::text_of;

std::unexpected<Error> not_offered(std::string_view what) {
  return refuse(ErrorCode::not_implemented,
                std::string(what) +
                    " in a lifecycle rule is not implemented by this server; it offers Expiration in Days and "
                    "AbortIncompleteMultipartUpload, for a prefix or the whole bucket.");
}

/// Parts of S3's schema that this server does not offer, wherever they stand.
bool is_known_elsewhere(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {
      "Transition", "NoncurrentVersionTransition", "NoncurrentVersionExpiration",
      "Tag",        "ObjectSizeGreaterThan",       "ObjectSizeLessThan",
      "Date",       "ExpiredObjectDeleteMarker",   "NoncurrentDays"};
  return std::ranges::find(kNames, name) != kNames.end();
}

std::unexpected<Error> unexpected_element(std::string_view name) {
  if (is_known_elsewhere(name)) return not_offered(name);
  return malformed();
}

Result<std::chrono::days> parse_days(std::string_view text, std::string_view element, std::string_view action) {
  text = stripped(text);
  std::uint32_t days = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), days);
  const std::string name = "'" + std::string(element) + "' for " + std::string(action) + " action ";
  if (text.starts_with('-') || (ec == std::errc{} && days == 0)) {
    return refuse(ErrorCode::invalid_argument, name + "must be a positive integer");
  }
  if (ec == std::errc::result_out_of_range || days > kMaxLifecycleDays) {
    return refuse(ErrorCode::invalid_argument, name + "must not be over " + std::to_string(kMaxLifecycleDays) +
                                                   ": this server keeps nothing longer than ten years by a rule");
  }
  if (ec != std::errc{} || end != text.data() + text.size()) return malformed();
  return std::chrono::days(days);
}

/// The one child element `element` with a number of days: <Expiration>, <AbortIncompleteMultipartUpload>.
Status read_days(const pugi::xml_node& action, const char* element, std::optional<std::chrono::days>& target) {
  if (target) return malformed();
  for (const pugi::xml_node child : action.children()) {
    if (child.type() != pugi::node_element) continue;
    if (std::string_view(child.name()) != element) return unexpected_element(child.name());
    if (target) return malformed();
    const auto text = text_of(child);
    if (!text) return std::unexpected(text.error());
    const auto days = parse_days(*text, element, action.name());
    if (!days) return std::unexpected(days.error());
    target = *days;
  }
  if (!target) return malformed();
  return {};
}

Status read_prefix(const pugi::xml_node& element, std::optional<std::string>& prefix) {
  if (prefix) return malformed();
  auto text = text_of(element);
  if (!text) return std::unexpected(text.error());
  if (text->size() > ObjectKey::kMaxBytes) {
    return refuse(ErrorCode::invalid_request,
                  "The maximum size of a prefix is " + std::to_string(ObjectKey::kMaxBytes) + ".");
  }
  prefix = std::move(*text);
  return {};
}

/// <Filter>, or the <And> inside it. An empty filter is the whole bucket.
Status read_filter(const pugi::xml_node& filter, bool within_and, std::optional<std::string>& prefix) {
  bool seen = false;
  for (const pugi::xml_node child : filter.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = child.name();
    if (seen && !within_and) return malformed("A Filter must have exactly one of Prefix, Tag, or And specified.");
    seen = true;
    Status read;
    if (name == "Prefix") {
      read = read_prefix(child, prefix);
    } else if (name == "And" && !within_and) {
      read = read_filter(child, true, prefix);
    } else {
      return unexpected_element(name);
    }
    if (!read) return read;
  }
  return {};
}

Status read_text(const pugi::xml_node& element, std::optional<std::string>& target) {
  if (target) return malformed();
  auto text = text_of(element);
  if (!text) return std::unexpected(text.error());
  target = std::move(*text);
  return {};
}

/// A rule's elements as they stand there.
struct RuleElements {
  std::optional<std::string> id, status, prefix, filter_prefix;
  bool filter = false;
  LifecycleRule rule;
};

Status read_element(const pugi::xml_node& element, RuleElements& out) {
  const std::string_view name = element.name();
  if (name == "ID") return read_text(element, out.id);
  if (name == "Status") return read_text(element, out.status);
  if (name == "Prefix") return read_prefix(element, out.prefix);
  if (name == "Expiration") return read_days(element, "Days", out.rule.expiration);
  if (name == "AbortIncompleteMultipartUpload") {
    return read_days(element, "DaysAfterInitiation", out.rule.abort_upload);
  }
  if (name == "Filter") {
    if (out.filter) return malformed();
    out.filter = true;
    return read_filter(element, false, out.filter_prefix);
  }
  return unexpected_element(name);
}

Result<LifecycleRule> parse_rule(const pugi::xml_node& element) {
  RuleElements parts;
  for (const pugi::xml_node child : element.children()) {
    if (child.type() != pugi::node_element) continue;
    if (const auto read = read_element(child, parts); !read) return std::unexpected(read.error());
  }
  LifecycleRule rule = std::move(parts.rule);
  rule.id = parts.id.value_or("");
  if (rule.id.size() > kMaxLifecycleIdBytes) {
    return refuse(ErrorCode::invalid_argument, "ID length should not exceed allowed limit of 255");
  }
  if (!parts.status) return malformed("Each rule needs a Status.");
  const std::string_view status = stripped(*parts.status);
  if (status != "Enabled" && status != "Disabled") return malformed("Status must be Enabled or Disabled.");
  rule.enabled = status == "Enabled";
  if (parts.filter == parts.prefix.has_value()) return malformed("Each rule needs either a Filter or a Prefix.");
  rule.prefix_in_filter = parts.filter;
  rule.prefix = (parts.filter ? parts.filter_prefix : parts.prefix).value_or("");
  if (!rule.expiration && !rule.abort_upload) {
    return refuse(ErrorCode::invalid_request, "At least one action needs to be specified in a rule");
  }
  return rule;
}

}  // namespace

Result<LifecycleRules> parse_lifecycle(std::string_view xml) {
  if (xml.size() > kMaxLifecycleBytes) return refuse(ErrorCode::max_message_length_exceeded);
  pugi::xml_document document;
  const auto root = xml::read_document(document, xml, "LifecycleConfiguration");
  if (!root) return std::unexpected(root.error());
  LifecycleRules rules;
  std::set<std::string> ids;
  for (const pugi::xml_node child : root->children()) {
    if (child.type() != pugi::node_element) continue;
    if (std::string_view(child.name()) != "Rule") return malformed();
    if (rules.size() == kMaxLifecycleRules) {
      return malformed("A lifecycle configuration has at most " + std::to_string(kMaxLifecycleRules) + " rules.");
    }
    auto rule = parse_rule(child);
    if (!rule) return std::unexpected(rule.error());
    if (!rule->id.empty() && !ids.insert(rule->id).second) {
      return refuse(ErrorCode::invalid_argument, "Rule ID must be unique. Found same ID for more than one rule");
    }
    rules.push_back(std::move(*rule));
  }
  if (rules.empty()) return malformed("A lifecycle configuration needs at least one Rule.");
  return rules;
}

std::string lifecycle_document(const LifecycleRules& rules) {
  const auto days = [](std::chrono::days value) { return static_cast<std::uint64_t>(value.count()); };
  XmlWriter xml("LifecycleConfiguration");
  for (const LifecycleRule& rule : rules) {
    xml.open("Rule");
    xml.element("ID", rule.id);
    if (rule.prefix_in_filter) xml.open("Filter");
    xml.element("Prefix", rule.prefix);
    if (rule.prefix_in_filter) xml.close();
    xml.element("Status", rule.enabled ? "Enabled" : "Disabled");
    if (rule.expiration) {
      xml.open("Expiration");
      xml.element("Days", days(*rule.expiration));
      xml.close();
    }
    if (rule.abort_upload) {
      xml.open("AbortIncompleteMultipartUpload");
      xml.element("DaysAfterInitiation", days(*rule.abort_upload));
      xml.close();
    }
    xml.close();
  }
  return xml.finish();
}

const LifecycleRule* expiration_rule(const LifecycleRules& rules, std::string_view key) noexcept {
  const LifecycleRule* found = nullptr;
  for (const LifecycleRule& rule : rules) {
    if (!rule.enabled || !rule.expiration || !key.starts_with(rule.prefix)) continue;
    if (found == nullptr || *rule.expiration < *found->expiration) found = &rule;
  }
  return found;
}

std::chrono::days incomplete_upload_age(const LifecycleRules& rules, std::string_view key) noexcept {
  std::optional<std::chrono::days> shortest;
  for (const LifecycleRule& rule : rules) {
    if (!rule.enabled || !rule.abort_upload || !key.starts_with(rule.prefix)) continue;
    if (!shortest || *rule.abort_upload < *shortest) shortest = rule.abort_upload;
  }
  return shortest.value_or(kIncompleteUploadAge);
}

}  // namespace s3link::s3
