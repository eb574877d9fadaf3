#include "services/lambda/link_mail.hpp"

#include <algorithm>
#include <array>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/base/json_text.hpp"

namespace s3link::lambda {
namespace {

constexpr std::size_t kMaxTagBytes = 256;

/// The variables whose values come from outside.
bool has_text_form(std::string_view name) { return name == "FILE_NAME" || name == "KEY" || name == "SENDER_NAME"; }

void append_member(std::string& out, std::string_view name, std::string_view suffix, std::string_view value) {
  out += out.empty() ? "{\"" : ",\"";
  out += name;
  out += suffix;
  out += "\":";
  append_json_string(out, value);
}

}  // namespace

Secret template_data(const mail::LinkMailData& data, const Secret& link) {
  std::string out;
  out.reserve(1024 + 4 * data.key.size() + link.reveal().size());
  for (const auto& [name, value] : mail::link_variables(data)) {
    if (name == "LINK") continue;
    append_member(out, name, "", mail::html_escape(value));
    if (has_text_form(name)) append_member(out, name, "_TEXT", value);
  }
  out += mail::removed_later(data) ? ",\"REMOVED_LATER\":true" : ",\"REMOVED_LATER\":false";
  // Last, into room that is there: so no copy of it stays behind when the text grows.
  out.reserve(out.size() + link.reveal().size() + 16);
  append_member(out, "LINK", "", link.reveal());
  out += '}';
  return Secret(std::move(out));
}

std::string mail_id(const ports::ClaimKey& key) {
  std::string text;
  for (const std::string* const part : {&key.bucket, &key.key, &key.version, &key.recipient}) {
    text += std::to_string(part->size());
    text += ':';
    text += *part;
  }
  text += key.sequencer.empty() ? iso8601(key.modified) : key.sequencer;
  return hex_encode(sha256(text));
}

std::string tag_value(std::string_view text) {
  std::string out(text.substr(0, kMaxTagBytes));
  std::ranges::replace_if(
      out,
      [](char c) {
        return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-');
      },
      '_');
  return out;
}

std::string sender_name(std::string_view sender) {
  const auto bracket = sender.rfind('<');
  if (bracket == std::string_view::npos) return {};
  std::string_view name = trim(sender.substr(0, bracket));
  if (name.size() >= 2 && name.starts_with('"') && name.ends_with('"')) name = name.substr(1, name.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 1 < name.size()) ++i;
    out += name[i];
  }
  return out;
}

}  // namespace s3link::lambda
