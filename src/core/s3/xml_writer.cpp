#include "core/s3/xml_writer.hpp"

#include <fmt/format.h>

#include <iterator>

namespace s3link::s3 {

XmlWriter::XmlWriter(std::string_view root, Namespace space) : out_("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n") {
  open(root, space == Namespace::s3 ? "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"" : "");
}

void XmlWriter::open(std::string_view name, std::string_view attributes) {
  out_ += '<';
  out_ += name;
  if (!attributes.empty()) {
    out_ += ' ';
    out_ += attributes;
  }
  out_ += '>';
  open_.emplace_back(name);
}

void XmlWriter::close() {
  out_ += "</";
  out_ += open_.back();
  out_ += '>';
  open_.pop_back();
}

void XmlWriter::text(std::string_view value) {
  constexpr std::string_view kReplacement = "\uFFFD";
  for (std::size_t at = 0; at < value.size(); ++at) {
    const char c = value[at];
    switch (c) {
      case '&':
        out_ += "&amp;";
        break;
      case '<':
        out_ += "&lt;";
        break;
      case '>':
        out_ += "&gt;";
        break;
      case '"':
        out_ += "&quot;";
        break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const std::string_view rest = value.substr(at);
        if (rest.starts_with("\uFFFE") || rest.starts_with("\uFFFF")) {
          out_ += kReplacement;
          lossy_ = true;
          at += 2;
        } else if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') {
          out_ += kReplacement;
          lossy_ = true;
        } else if (byte < 0x20 || byte == 0x7F) {
          fmt::format_to(std::back_inserter(out_), "&#x{:x};", byte);
        } else {
          out_ += c;
        }
      }
    }
  }
}

void XmlWriter::element(std::string_view name, std::string_view value) {
  open(name);
  text(value);
  close();
}

std::string XmlWriter::finish() {
  while (!open_.empty()) close();
  return std::move(out_);
}

}  // namespace s3link::s3
