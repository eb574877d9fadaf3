#include "core/alarm/mail_form.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "core/mail/link_variables.hpp"

namespace s3link::alarm {
namespace {

using mail::html_escape;

constexpr std::string_view kReasons = "The most frequent reasons";

// As the link mail's page: one column of at most 600 px, system fonts; styles stand on the elements because some mail
// programs drop the style element, and only dark colours are lost there. Contrasts are at least 4.5:1.
constexpr std::string_view kHead = R"(<!DOCTYPE html>
<html lang="en" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>)";
constexpr std::string_view kBody = R"(</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background-color: #16181d !important; }
  .card { background-color: #22252c !important; border-color: #3a3f4a !important; }
  .text { color: #f1f3f6 !important; }
  .quiet { color: #b4bac5 !important; }
  .code { color: #f1f3f6 !important; background-color: #16181d !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background-color:#f2f4f7;">
<table role="presentation" lang="en" dir="ltr" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" style="background-color:#f2f4f7;">
<tr><td align="center" style="padding:24px 12px;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="card" style="max-width:600px;background-color:#ffffff;border:1px solid #d9dee6;border-radius:12px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
<tr><td style="padding:28px;">
)";
constexpr std::string_view kEnd = "</td></tr>\n</table>\n</td></tr>\n</table>\n</body>\n</html>\n";

constexpr std::string_view kTextStyle = "font-size:16px;line-height:24px;color:#1d2430;overflow-wrap:anywhere;";
constexpr std::string_view kQuietStyle = "font-size:14px;line-height:20px;color:#566070;";
constexpr std::string_view kCodeStyle =
    "font-size:14px;line-height:20px;color:#1d2430;background-color:#f2f4f7;padding:8px 12px;border-radius:6px;"
    "white-space:pre-wrap;overflow-wrap:anywhere;";

std::string running(std::string paragraph) {
  while (paragraph.ends_with('\n')) paragraph.pop_back();
  std::ranges::replace(paragraph, '\n', ' ');
  return paragraph;
}

}  // namespace

std::string as_text(const MailForm& form) {
  constexpr std::size_t kColumn = std::string_view("Server:    ").size();
  std::string out;
  const auto to = std::back_inserter(out);
  for (const auto& [name, value] : form.facts) {
    fmt::format_to(to, "{:{}}{}\n", name.empty() ? name : name + ":", kColumn, value);
  }
  out += '\n';
  for (const std::string& paragraph : form.paragraphs) out += paragraph;
  if (!form.reasons.empty()) {
    fmt::format_to(to, "\n{}:\n", kReasons);
    for (const std::string& reason : form.reasons) fmt::format_to(to, "  {}\n", reason);
  }
  out += '\n';
  for (const auto& [purpose, command] : form.commands) fmt::format_to(to, "{}:\n  {}\n", purpose, command);
  return out;
}

std::string as_html(const MailForm& form) {
  std::string out(kHead);
  const auto to = std::back_inserter(out);
  out += html_escape(form.title);
  out += kBody;
  fmt::format_to(to, "<h1 class=\"text\" style=\"margin:0 0 16px;{}font-size:20px;font-weight:600;\">{}</h1>\n",
                 kTextStyle, html_escape(form.title));
  out += "<table cellpadding=\"0\" cellspacing=\"0\" border=\"0\" style=\"margin:0 0 16px;\">\n";
  for (const auto& [name, value] : form.facts) {
    fmt::format_to(to,
                   "<tr><th class=\"quiet\" align=\"left\" valign=\"top\" scope=\"row\" style=\"padding:2px 16px 2px 0;"
                   "font-weight:400;{}\">{}</th><td class=\"text\" style=\"padding:2px 0;{}\">{}</td></tr>\n",
                   kQuietStyle, html_escape(name), kTextStyle, html_escape(value));
  }
  out += "</table>\n";
  const auto paragraph = [&](std::string_view css, std::string_view style, std::string_view text) {
    fmt::format_to(to, "<p class=\"{}\" style=\"margin:0 0 12px;{}\">{}</p>\n", css, style, html_escape(text));
  };
  for (const std::string& each : form.paragraphs) paragraph("text", kTextStyle, running(each));
  if (!form.reasons.empty()) {
    paragraph("quiet", kQuietStyle, kReasons);
    fmt::format_to(to, "<ul class=\"text\" style=\"margin:0 0 12px;padding:0 0 0 20px;{}\">\n", kTextStyle);
    for (const std::string& reason : form.reasons) fmt::format_to(to, "<li>{}</li>\n", html_escape(reason));
    out += "</ul>\n";
  }
  for (const auto& [purpose, command] : form.commands) {
    paragraph("quiet", kQuietStyle, purpose);
    fmt::format_to(to, "<pre class=\"code\" style=\"margin:0 0 12px;{}\">{}</pre>\n", kCodeStyle, html_escape(command));
  }
  return out += kEnd;
}

}  // namespace s3link::alarm
