#include "core/s3/xml_document.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/xml_reader.hpp"

namespace s3link::s3::xml {
namespace {

/// Each markup character costs the tree at most one node; a document of 10,000 parts has 160,000.
constexpr std::size_t kMaxMarks = 300'000;

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

}  // namespace

std::unexpected<Error> malformed(std::string message) { return refuse(ErrorCode::malformed_xml, std::move(message)); }

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

Result<std::string> text_of(const pugi::xml_node& element) {
  std::string out;
  for (const pugi::xml_node child : element.children()) {
    if (child.type() == pugi::node_element) return malformed();
    if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) out += child.value();
  }
  return out;
}

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

}  // namespace s3link::s3::xml
