#include "core/mail/link_variables.hpp"

#include <chrono>

#include "core/base/encoding.hpp"
#include "core/mail/visible_text.hpp"
#include "core/mail/wording.hpp"

namespace s3link::mail {

std::array<std::pair<std::string_view, std::string>, kLinkVariables.size()> link_variables(const LinkMailData& data) {
  using std::chrono::floor;
  using std::chrono::seconds;
  std::array<std::string, kLinkVariables.size()> values = {
      std::string(data.link),
      display_file_name(data.key),
      size_in_words(data.size_bytes),
      instant_in_words(data.deadline),
      duration_in_words(floor<seconds>(data.deadline) - floor<seconds>(data.now)),
      data.removed_at ? instant_in_words(*data.removed_at) : std::string(),
      visible_text(data.bucket),
      visible_text(data.key),
      hex_encode(data.sha256),
      visible_text(data.sender_name),
      instant_in_short(data.deadline)};
  std::array<std::pair<std::string_view, std::string>, kLinkVariables.size()> out;
  for (std::size_t i = 0; i < out.size(); ++i) out.at(i) = {kLinkVariables.at(i), std::move(values.at(i))};
  return out;
}

bool removed_later(const LinkMailData& data) {
  return data.removed_at && *data.removed_at >= data.deadline + std::chrono::seconds(1);
}

std::string html_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;  // &apos; is unknown to HTML 4, and so to some mail programs
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace s3link::mail
