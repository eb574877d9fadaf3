#pragma once

#include <memory>
#include <string>

#include "core/base/language.hpp"
#include "core/base/result.hpp"
#include "core/base/secret.hpp"
#include "core/mail/link_variables.hpp"

namespace s3link::mail {

/// A mail in words, not yet a message. The bodies hold the presigned URL. Line ends are LF.
struct RenderedMail {
  std::string subject;  ///< one line
  Secret text;
  Secret html;
};

/// The sources of a template.
struct TemplateTexts {
  std::string subject;  ///< subject.txt
  std::string html;     ///< body.html
  std::string text;     ///< body.txt
};

/// The template a link mail is made from: Mustache, HTML-escaping in body.html and nowhere else.
///
/// Variables: LINK, FILE_NAME, FILE_SIZE ("1.2 MB (1,234,567 bytes)"), EXPIRES_AT ("Tuesday, 8 December 2026, 14:00:05
/// UTC"), EXPIRES_SHORT ("8 Dec 14:00 UTC"), EXPIRES_IN ("5 hours"), REMOVED_AT (like EXPIRES_AT), BUCKET, KEY, SHA256
/// (hexadecimal), SENDER_NAME. In the readers' language and time zone: FILE_SIZE_LOCAL, EXPIRES_LOCAL ("Tuesday, 8
/// December, 15:00 (UTC+1)"), EXPIRES_LOCAL_SHORT ("8 December, 15:00 (UTC+1)"), REMOVED_LOCAL (like EXPIRES_LOCAL;
/// where it says something else), LANGUAGE ("en"). Texts from outside are shown without control and bidirectional
/// characters.
/// Sections: each variable (it has a value), and REMOVED_LATER (the file outlives its link).
/// Thread safety: any number of calls at a time.
class LinkTemplate {
 public:
  /// Errors: invalid_argument, naming the file and the variable or tag: a variable that does not exist, a broken tag,
  /// a partial, a change of delimiters, an unescaped variable in HTML, a body that lacks LINK, a subject that shows it.
  static Result<LinkTemplate> parse(const TemplateTexts& texts);
  /// What is used where email.template_dir gives nothing else.
  static TemplateTexts built_in_texts(Language language);
  static LinkTemplate built_in(Language language) { return LinkTemplate(built_in_texts(language)); }

  RenderedMail render(const LinkMailData& data) const;

 private:
  struct Parsed;
  explicit LinkTemplate(const TemplateTexts& texts);
  std::shared_ptr<Parsed> parsed_;
};

}  // namespace s3link::mail
