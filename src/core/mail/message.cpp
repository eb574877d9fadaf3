#include "core/mail/message.hpp"

#include <fmt/format.h>

#include <iterator>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/mail/encoded_word.hpp"
#include "core/mail/quoted_printable.hpp"
#include "core/mail/visible_text.hpp"

namespace s3link::mail {
namespace {

constexpr std::size_t kFoldAfter = 76;

std::string from_field(const MessageParts& parts) {
  const std::string name = visible_text(parts.from_name);
  if (name.empty()) return fmt::format("From: {}\r\n", parts.from.text());
  const std::string encoded = encode_display_name(name, std::string_view("From: ").size());
  const std::size_t last_line = encoded.size() - (encoded.rfind('\n') + 1);
  const bool fold = last_line + parts.from.text().size() + 9 > kFoldAfter;
  return fmt::format("From: {}{}<{}>\r\n", encoded, fold ? "\r\n " : " ", parts.from.text());
}

std::string reply_to_field(const MessageParts& parts) {
  return parts.reply_to ? fmt::format("Reply-To: {}\r\n", parts.reply_to->text()) : std::string();
}

/// The id alone: whether a trace is recorded, and by which segment, is nothing for a recipient.
std::string trace_field(std::string_view id) {
  return id.empty() ? std::string() : fmt::format("X-Amzn-Trace-Id: Root={}\r\n", visible_text(id));
}

void append_text(std::string_view type, std::string_view body, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "Content-Type: text/{}; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n", type);
  append_quoted_printable(body, out);
  out += "\r\n";
}

void append_alternatives(const MessageParts& parts, std::string& out) {
  // "=_" never occurs in quoted-printable, so no body can hold the boundary.
  const std::string boundary = fmt::format("=_{}", parts.boundary_seed);
  fmt::format_to(std::back_inserter(out), "Content-Type: multipart/alternative;\r\n boundary=\"{}\"\r\n\r\n--{}\r\n",
                 boundary, boundary);
  append_text("plain", parts.text, out);
  fmt::format_to(std::back_inserter(out), "--{}\r\n", boundary);
  append_text("html", parts.html, out);
  fmt::format_to(std::back_inserter(out), "--{}--\r\n", boundary);
}

}  // namespace

Secret build_message(const MessageParts& parts) {
  std::string out;
  out.reserve(2'048 + 3 * (parts.text.size() + parts.html.size()));  // one piece: what grows leaves copies behind
  fmt::format_to(std::back_inserter(out),
                 "Date: {}\r\n{}To: {}\r\n{}Message-ID: {}\r\nSubject: {}\r\n"
                 "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n{}"
                 "MIME-Version: 1.0\r\n",
                 mail_date(parts.date), from_field(parts), parts.to.text(), reply_to_field(parts), parts.message_id,
                 encode_unstructured(visible_text(parts.subject), std::string_view("Subject: ").size()),
                 trace_field(parts.trace_id));
  if (parts.html.empty()) {
    append_text("plain", parts.text, out);
  } else {
    append_alternatives(parts, out);
  }
  return Secret(std::move(out));
}

std::string message_id_of(const std::vector<std::string_view>& identity, const Address& sender) {
  Digest digest(DigestAlgorithm::sha256);
  for (const std::string_view part : identity) {
    digest.update(std::to_string(part.size()) + ":");
    digest.update(part);
  }
  return fmt::format("<{}@{}>", hex_encode(digest.finish()).substr(0, 32), sender.domain());
}

}  // namespace s3link::mail
