#include "core/page/recipient_page.hpp"

#include <fmt/format.h>

#include "core/base/digest.hpp"
#include "core/base/encoding.hpp"
#include "core/mail/link_variables.hpp"
#include "core/page/recipient_texts.hpp"

namespace s3link::page {
namespace {

// The colours of the link mail: at least 4.5:1 in both schemes. Nothing has a fixed width, so that 320 px are enough.
constexpr std::string_view kStyle =
    ":root{color-scheme:light dark}"
    "*{box-sizing:border-box}"
    "body{margin:0;padding:24px 12px;background:#f2f4f7;color:#1d2430;"
    "font:1rem/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;overflow-wrap:anywhere}"
    "main{max-width:37.5rem;margin:8vh auto 0;padding:32px 28px;background:#fff;border:1px solid #d9dee6;"
    "border-radius:12px}"
    "h1{margin:0 0 16px;font-size:1.375rem;line-height:1.3;font-weight:600}"
    "p{margin:0 0 16px}p:last-child{margin:0}"
    "a{color:#1a56c4;display:inline-block;padding:10px 0}"
    "@media(prefers-color-scheme:dark){body{background:#16181d;color:#f1f3f6}main{background:#22252c;"
    "border-color:#3a3f4a}a{color:#8fb8ff}}";

/// RFC 6068 §2: everything that means something in a URL is encoded.
std::string mailto(std::string_view address) {
  const auto at = address.rfind('@');
  if (at == std::string_view::npos) return "mailto:" + uri_encode(address);
  return "mailto:" + uri_encode(address.substr(0, at)) + "@" + uri_encode(address.substr(at + 1));
}

}  // namespace

std::string recipient_page(LinkTrouble trouble, Language language, std::string_view contact) {
  const RecipientText text = recipient_text(trouble, language);
  const std::string heading = mail::html_escape(text.heading);
  std::string ask;
  if (!contact.empty()) {
    ask = fmt::format("<p>{} <a href=\"{}\"><bdi>{}</bdi></a></p>\n", mail::html_escape(text.ask), mailto(contact),
                      mail::html_escape(contact));
  }
  return fmt::format(
      "<!DOCTYPE html>\n"
      "<html lang=\"{}\" dir=\"ltr\">\n"
      "<head>\n"
      "<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n"
      "<title>{}</title>\n"
      "<style>{}</style>\n"
      "</head>\n"
      "<body>\n"
      "<main>\n"
      "<h1>{}</h1>\n"
      "<p>{}</p>\n"
      "{}"
      "</main>\n"
      "</body>\n"
      "</html>\n",
      to_string(language), heading, kStyle, heading, mail::html_escape(text.explanation), ask);
}

const std::string& recipient_page_policy() {
  static const std::string policy = fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      base64_encode(sha256(kStyle)));
  return policy;
}

}  // namespace s3link::page
