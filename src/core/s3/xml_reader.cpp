#include "core/s3/xml_reader.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <pugixml.hpp>

#include "core/base/encoding.hpp"
#include "core/s3/checksum.hpp"
#include "core/s3/error_code.hpp"

namespace s3link::s3 {
namespace {

/// Each markup character costs the tree at most one node; a document of 10,000 parts has 160,000.
constexpr std::size_t kMaxMarks = 300'000;

std::unexpected<Error> malformed(std::string message = {}) {
  return refuse(ErrorCode::malformed_xml, std::move(message));
}

/// &amp; &lt; &gt; &quot; &apos; or a reference to a character that exists. pugixml would let others stand as they are,
/// cut a text short at &#0;, and wrap numbers over 32 bits.
bool is_reference(std::string_view name) {
  if (!name.starts_with('#')) {
    return name == "amp" || name == "lt" || name == "gt" || name == "quot" || name == "apos";
  }
  name.remove_prefix(1);
  const bool hex = name.starts_with('x');
  if (hex) name.remove_prefix(1);
  std::uint32_t code = 0;
  const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
  if (ec != std::errc{} || end != name.data() + name.size() || name.empty()) return false;
  return code >= 1 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

bool has_only_known_references(std::string_view xml) {
  constexpr std::string_view kCdata = "<![CDATA[";
  constexpr std::size_t kLongest = 10;  // "#x0010FFFF"
  for (std::size_t i = 0; i < xml.size(); ++i) {
    if (xml[i] == '<' && xml.substr(i).starts_with(kCdata)) {
      i = xml.find("]]>", i + kCdata.size());
      if (i == std::string_view::npos) return false;
    } else if (xml[i] == '&') {
      const auto end = xml.substr(i + 1, kLongest + 1).find(';');
      if (end == std::string_view::npos || !is_reference(xml.substr(i + 1, end))) return false;
      i += end + 1;
    }
  }
  return true;
}

/// The root element of that name.
Result<pugi::xml_node> read_document(pugi::xml_document& document, std::string_view xml, const char* root) {
  if (xml.size() > kMaxXmlBytes) return refuse(ErrorCode::max_message_length_exceeded);
  const auto marks = static_cast<std::size_t>(std::ranges::count_if(xml, [](char c) { return c == '<' || c == '='; }));
  if (marks > kMaxMarks || xml.contains('\0') || !is_utf8(xml) || !has_only_known_references(xml)) return malformed();
  constexpr unsigned kFlags =
      pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol | pugi::parse_ws_pcdata | pugi::parse_doctype;
  const auto parsed = document.load_buffer(xml.data(), xml.size(), kFlags, pugi::encoding_utf8);
  if (!parsed) return malformed();
  pugi::xml_node found;
  for (const pugi::xml_node child : document.children()) {
    if (child.type() == pugi::node_doctype) return malformed("A document type is not allowed.");
    if (child.type() != pugi::node_element) continue;
    if (found || std::strcmp(child.name(), root) != 0) return malformed();
    found = child;
  }
  if (!found) return malformed();
  return found;
}

/// All text inside, in one piece; an element inside is an error.
Result<std::string> text_of(const pugi::xml_node& element) {
  std::string out;
  for (const pugi::xml_node child : element.children()) {
    if (child.type() == pugi::node_element) return malformed();
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) out += child.value();
  }
  return out;
}

/// A number, a name, a tag: white space around it does not belong to it.
std::string_view stripped(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

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
