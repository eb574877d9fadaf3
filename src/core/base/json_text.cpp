#include "core/base/json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "core/base/encoding.hpp"

namespace s3link {
namespace {

/// ASCII that stands for itself in JSON.
bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7F && c != '"' && c != '\\'; }

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) noexcept {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < length || !is_utf8(text.substr(0, length))) return 0;
  return length;
}

void append_json_string(std::string& out, std::string_view text, std::size_t max_characters) {
  out += '"';
  for (; !text.empty() && max_characters > 0; --max_characters) {
    // Nearly all of a presigned URL, or of a log line, is plain: it is copied at once.
    const auto run = text.substr(0, max_characters);
    const auto plain = static_cast<std::size_t>(std::ranges::find_if_not(run, is_plain) - run.begin());
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    max_characters -= plain;
    if (text.empty() || max_characters == 0) break;

    const auto byte = static_cast<unsigned char>(text.front());
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
      continue;
    }
    if (byte == '"' || byte == '\\') {
      out += '\\';
      out += static_cast<char>(byte);
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\r') {
      out += "\\r";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", byte);
    } else if (byte == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned char>(text[1]));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  out += '"';
}

std::string json_string(std::string_view text, std::size_t max_characters) {
  std::string out;
  append_json_string(out, text, max_characters);
  return out;
}

JsonObject::JsonObject(std::string& out) : out_(out) { out_ += '{'; }
JsonObject::~JsonObject() { out_ += '}'; }

std::string& JsonObject::member(std::string_view name) {
  if (!first_) out_ += ',';
  first_ = false;
  append_json_string(out_, name);
  out_ += ':';
  return out_;
}

void JsonObject::text(std::string_view name, std::string_view value, std::size_t max_characters) {
  append_json_string(member(name), value, max_characters);
}

void JsonObject::literal(std::string_view name, std::string_view json) { member(name) += json; }

}  // namespace s3link
