#include "core/mail/link_template.hpp"

namespace s3link::mail {
namespace {

constexpr const char* kSubject =
    R"({{#SENDER_NAME}}{{SENDER_NAME}} sent you {{/SENDER_NAME}}"{{FILE_NAME}}", available until {{EXPIRES_SHORT}})";

// Lines stay short where no value stands in them: mail programs show this text as it is.
constexpr const char* kText =
    R"({{#SENDER_NAME}}{{SENDER_NAME}} sent you a file.{{/SENDER_NAME}}{{^SENDER_NAME}}You were sent a file.{{/SENDER_NAME}}

File:     {{FILE_NAME}}
Size:     {{FILE_SIZE}}
SHA-256:  {{SHA256}}

Download it here:

{{LINK}}

The link works until {{EXPIRES_AT}}, in {{EXPIRES_IN}}.
{{#REMOVED_LATER}}
The file itself is removed on {{REMOVED_AT}}.
{{/REMOVED_LATER}}

Whoever has this link can download the file: pass it on with care.
You did not expect this mail? Then do not open the link.
)";

// One column of at most 600 px, system fonts, no images, nothing fetched from elsewhere. Colours have a contrast of at
// least 4.5:1 in both schemes. Styles stand on the elements because some programs drop the style element; what only it
// can do, dark colours, is lost there and nothing else. The file's name is a link so that programs do not make one of
// "evil.example.zip".
constexpr const char* kHtml = R"(<!DOCTYPE html>
<html lang="en" dir="ltr">
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
<div style="display:none;max-height:0;overflow:hidden;">{{FILE_SIZE}}, until {{EXPIRES_AT}}</div>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="page" style="background-color:#f2f4f7;">
<tr><td align="center" style="padding:24px 12px;">
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" class="card" style="max-width:600px;background-color:#ffffff;border:1px solid #d9dee6;border-radius:12px;font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
<tr><td style="padding:32px 28px 0;">
<p class="text" style="margin:0 0 20px;font-size:16px;line-height:24px;color:#1d2430;">{{#SENDER_NAME}}<bdi>{{SENDER_NAME}}</bdi> sent you a file.{{/SENDER_NAME}}{{^SENDER_NAME}}You were sent a file.{{/SENDER_NAME}}</p>
<h1 style="margin:0 0 4px;font-size:20px;line-height:28px;font-weight:600;overflow-wrap:anywhere;word-break:break-word;"><a href="{{LINK}}" class="name" style="color:#1d2430;text-decoration:none;"><bdi>{{FILE_NAME}}</bdi></a></h1>
<p class="quiet" style="margin:0 0 24px;font-size:16px;line-height:24px;color:#566070;">{{FILE_SIZE}}</p>
<table role="presentation" cellpadding="0" cellspacing="0" border="0"><tr><td class="button" align="center" style="border-radius:8px;background-color:#1a56c4;"><a href="{{LINK}}" style="display:inline-block;padding:13px 28px;font-size:16px;line-height:20px;font-weight:600;color:#ffffff;text-decoration:none;">Download</a></td></tr></table>
<p class="text" style="margin:24px 0 0;font-size:16px;line-height:24px;color:#1d2430;">The link works until <strong>{{EXPIRES_AT}}</strong>, in {{EXPIRES_IN}}.{{#REMOVED_LATER}} The file itself is removed on {{REMOVED_AT}}.{{/REMOVED_LATER}}</p>
</td></tr>
<tr><td style="padding:24px 28px 32px;">
<p class="quiet" style="margin:0 0 4px;font-size:14px;line-height:20px;color:#566070;">If the button does not work, copy this address into your browser:</p>
<p style="margin:0 0 16px;font-size:14px;line-height:20px;overflow-wrap:anywhere;word-break:break-all;"><a href="{{LINK}}" class="bare" style="color:#1a56c4;">{{LINK}}</a></p>
<p class="quiet" style="margin:0 0 16px;font-size:14px;line-height:20px;color:#566070;overflow-wrap:anywhere;word-break:break-all;">SHA-256: {{SHA256}}</p>
<p class="quiet" style="margin:0;font-size:14px;line-height:20px;color:#566070;">Whoever has this link can download the file: pass it on with care. You did not expect this mail? Then do not open the link.</p>
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
)";

}  // namespace

TemplateTexts LinkTemplate::built_in_texts() { return {.subject = kSubject, .html = kHtml, .text = kText}; }

}  // namespace s3link::mail
