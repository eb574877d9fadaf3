#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "core/mail/built_in_words.hpp"
#include "core/mail/link_template.hpp"

namespace s3link::mail {
namespace {

// Names in double brackets stand for words of the language.

// Lines stay short where no value stands in them: mail programs show this text as it is.
constexpr std::string_view kText =
    R"({{#SENDER_NAME}}[[sent]]{{/SENDER_NAME}}{{^SENDER_NAME}}[[anonymous]]{{/SENDER_NAME}}

[[file_label]]{{FILE_NAME}}
[[size_label]]{{FILE_SIZE_LOCAL}}
[[sha256_label]]{{SHA256}}

[[here]]

{{LINK}}

[[until_plain]]
{{#REMOVED_LOCAL}}
[[removed]]
{{/REMOVED_LOCAL}}

[[care]]
[[unexpected]]
)";

// One column of at most 600 px, system fonts, no images, nothing fetched from elsewhere. Colours have a contrast of at
// least 4.5:1 in both schemes. Language and direction stand on a table, too, since some programs take the body's
// content only. Styles stand on the elements because some programs drop the style element; what only it can do, dark
// colours, is lost there and nothing else. The file's name is a link so that programs do not make one of
// "evil.example.zip".
constexpr std::string_view kHtml = R"(<!DOCTYPE html>
<html lang="{{LANGUAGE}}" dir="ltr">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>{{FILE_NAME}}</title>
<style>
:root { color-scheme: light dark; supported-color-schemes: light dark; }
@media (prefers-color-scheme: dark) {
  .page { background-color: #16181d !important; }
  .card { background-color: #22252c !important; border-color: #3a3f4a !important; }
  .text, .name { color: #f1f3f6 !important; }
  .quiet { color: #b4bac5 !important; }
  .bare { color: #8fb8ff !important; }
  .button { background-color: #8fb8ff !important; }
  .button a { color: #10131a !important; }
}
</style>
</head>
<body class="page" style="margin:0;padding:0;background-color:#f2f4f7;">
<div style="display:none;max-height:0;overflow:hidden;">{{FILE_SIZE_LOCAL}}. [[until_plain]]</div>
<table role="presentation" lang="{{LANGUAGE}}" dir="ltr" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" style="background-color:#f2f4f7;">
<tr><td align="center" style="padding:24px 12px;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="card" style="max-width:600px;background-color:#ffffff;border:1px solid #d9dee6;border-radius:12px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
<tr><td style="padding:32px 28px 0;">
<p class="text" style="margin:0 0 20px;font-size:16px;line-height:24px;color:#1d2430;">{{#SENDER_NAME}}[[sent]]{{/SENDER_NAME}}{{^SENDER_NAME}}[[anonymous]]{{/SENDER_NAME}}</p>
<h1 style="margin:0 0 4px;font-size:20px;line-height:28px;font-weight:600;overflow-wrap:anywhere;word-break:break-word;"><a href="{{LINK}}" class="name" style="color:#1d2430;text-decoration:none;"><bdi>{{FILE_NAME}}</bdi></a></h1>
<p class="quiet" style="margin:0 0 24px;font-size:16px;line-height:24px;color:#566070;">{{FILE_SIZE_LOCAL}}</p>
<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td class="button" align="center" style="border-radius:8px;background-color:#1a56c4;"><a href="{{LINK}}" style="display:inline-block;padding:13px 28px;font-size:16px;line-height:20px;font-weight:600;color:#ffffff;text-decoration:none;">[[button]]</a></td></tr></table>
<p class="text" style="margin:24px 0 0;font-size:16px;line-height:24px;color:#1d2430;">[[until]]{{#REMOVED_LOCAL}} [[removed]]{{/REMOVED_LOCAL}}</p>
</td></tr>
<tr><td style="padding:24px 28px 32px;">
<p class="quiet" style="margin:0 0 4px;font-size:14px;line-height:20px;color:#566070;">[[copy]]</p>
<p style="margin:0 0 16px;font-size:14px;line-height:20px;overflow-wrap:anywhere;word-break:break-all;"><a href="{{LINK}}" class="bare" style="color:#1a56c4;">{{LINK}}</a></p>
<p class="quiet" style="margin:0 0 16px;font-size:14px;line-height:20px;color:#566070;overflow-wrap:anywhere;word-break:break-all;">SHA-256: {{SHA256}}</p>
<p class="quiet" style="margin:0;font-size:14px;line-height:20px;color:#566070;">[[care]] [[unexpected]]</p>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
)";

constexpr std::string_view kChecksum = "SHA-256:";

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size())) {
    text.replace(at, what.size(), by);
  }
  return text;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The label, and blanks up to where the values of all labels begin.
std::string label(std::string_view name, const BuiltInWords& words) {
  const std::size_t column =
      std::max({count_characters(words.file), count_characters(words.size), kChecksum.size()}) + 2;
  return std::string(name) + std::string(column - count_characters(name), ' ');
}

enum class Markup { none, html };

std::string filled(std::string_view skeleton, const BuiltInWords& words, Markup markup) {
  const bool html = markup == Markup::html;
  const auto marked = [html](std::string_view text, std::string_view variable, std::string_view tag) {
    return html ? replaced(std::string(text), variable, fmt::format("<{0}>{1}</{0}>", tag, variable))
                : std::string(text);
  };
  const std::array<std::pair<std::string_view, std::string>, 13> parts = {{
      {"[[sent]]", marked(words.sent, "{{SENDER_NAME}}", "bdi")},
      {"[[anonymous]]", std::string(words.anonymous)},
      {"[[file_label]]", label(words.file, words)},
      {"[[size_label]]", label(words.size, words)},
      {"[[sha256_label]]", label(kChecksum, words)},
      {"[[here]]", std::string(words.here)},
      {"[[button]]", std::string(words.button)},
      {"[[until]]", marked(words.until, "{{EXPIRES_LOCAL}}", "strong")},
      {"[[until_plain]]", std::string(words.until)},
      {"[[removed]]", std::string(words.removed)},
      {"[[copy]]", std::string(words.copy)},
      {"[[care]]", std::string(words.care)},
      {"[[unexpected]]", std::string(words.unexpected)},
  }};
  std::string out(skeleton);
  for (const auto& [name, text] : parts) out = replaced(std::move(out), name, text);
  return out;
}

}  // namespace

TemplateTexts LinkTemplate::built_in_texts(Language language) {
  const BuiltInWords& words = built_in_words(language);
  return {.subject = std::string(words.subject),
          .html = filled(kHtml, words, Markup::html),
          .text = filled(kText, words, Markup::none)};
}

}  // namespace s3link::mail
