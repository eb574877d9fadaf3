#include "core/s3/xml_reader.hpp"

#include <charconv>
#include <cstring>

#include "core/base/encoding.hpp"
#include "core/s3/checksum.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/xml_document.hpp"

namespace s3link::s3 {
namespace {

using namespace xml;  // NOLINT(google-build-using-namespace): the other half of this file

std::string unquoted(std::string_view etag) {
  etag = stripped(etag);
  if (etag.size() >= 2 && etag.front() == '"' && etag.back() == '"') etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

Result<DeleteEntry> parse_delete_entry(const pugi::xml_node& object) {
  DeleteEntry entry;
  bool has_key = false;
  for (const pugi::xml_node child : object.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = child.name();
    auto text = text_of(child);
    if (!text) return std::unexpected(text.error());
    if (name == "Key") {
      if (has_key) return malformed();
      has_key = true;
      entry.key = std::move(*text);
    } else if (name == "VersionId") {
      entry.version_id = stripped(*text);
    } else if (name == "ETag" || name == "LastModifiedTime" || name == "Size") {
      entry.conditional = true;
    } else {
      return malformed();
    }
  }
  if (entry.key.empty()) return malformed("Each Object needs a Key.");
  return entry;
}

Result<CompletedPart> parse_completed_part(const pugi::xml_node& element) {
  CompletedPart part;
  bool has_number = false;
  bool has_etag = false;
  for (const pugi::xml_node child : element.children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = child.name();
    const auto text = text_of(child);
    if (!text) return std::unexpected(text.error());
    if (name == "PartNumber") {
      const std::string_view digits = stripped(*text);
      const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), part.number);
      if (has_number || ec != std::errc{} || end != digits.data() + digits.size()) return malformed();
      if (part.number < 1 || part.number > kMaxPartNumber) {
        return refuse(ErrorCode::invalid_argument, "PartNumber must be an integer between 1 and 10000, inclusive");
      }
      has_number = true;
    } else if (name == "ETag") {
      part.etag = unquoted(*text);
      has_etag = true;
    } else if (name.starts_with("Checksum")) {
      const auto algorithm = parse_checksum_algorithm(name.substr(std::string_view("Checksum").size()));
      if (!algorithm) return malformed();
      part.checksums.push_back({std::string(to_string(*algorithm)), std::string(stripped(*text)), false});
    } else {
      return malformed();
    }
  }
  if (!has_number || !has_etag) return malformed();
  return part;
}

}  // namespace

Result<DeleteDocument> parse_delete(std::string_view xml) {
  pugi::xml_document document;
  const auto root = read_document(document, xml, "Delete");
  if (!root) return std::unexpected(root.error());
  DeleteDocument out;
  for (const pugi::xml_node child : root->children()) {
    if (child.type() != pugi::node_element) continue;
    const std::string_view name = child.name();
    if (name == "Quiet") {
      const auto text = text_of(child);
      if (!text) return std::unexpected(text.error());
      out.quiet = equals_ignoring_case(stripped(*text), "true");
    } else if (name == "Object") {
      if (out.entries.size() == kMaxDeleteKeys) return malformed();
      auto entry = parse_delete_entry(child);
      if (!entry) return std::unexpected(entry.error());
      out.entries.push_back(std::move(*entry));
    } else {
      return malformed();
    }
  }
  if (out.entries.empty()) return malformed();
  return out;
}

Result<std::vector<CompletedPart>> parse_complete(std::string_view xml) {
  pugi::xml_document document;
  const auto root = read_document(document, xml, "CompleteMultipartUpload");
  if (!root) return std::unexpected(root.error());
  std::vector<CompletedPart> out;
  for (const pugi::xml_node child : root->children()) {
    if (child.type() != pugi::node_element) continue;
    if (std::strcmp(child.name(), "Part") != 0 || out.size() == kMaxPartNumber) return malformed();
    auto part = parse_completed_part(child);
    if (!part) return std::unexpected(part.error());
    if (!out.empty() && part->number <= out.back().number) return refuse(ErrorCode::invalid_part_order);
    out.push_back(std::move(*part));
  }
  if (out.empty()) return malformed("You must specify at least one part");
  return out;
}

Result<std::string> parse_create_bucket(std::string_view xml) {
  if (stripped(xml).empty()) return std::string();
  pugi::xml_document document;
  const auto root = read_document(document, xml, "CreateBucketConfiguration");
  if (!root) return std::unexpected(root.error());
  std::string out;
  for (const pugi::xml_node child : root->children()) {
    if (child.type() != pugi::node_element) continue;
    if (std::strcmp(child.name(), "LocationConstraint") != 0) {
      return refuse(ErrorCode::not_implemented, "CreateBucketConfiguration: only LocationConstraint is implemented.");
    }
    const auto text = text_of(child);
    if (!text) return std::unexpected(text.error());
    out = stripped(*text);
  }
  return out;
}

}  // namespace s3link::s3
