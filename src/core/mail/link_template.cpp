#include "core/mail/link_template.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <kainjow/mustache.hpp>
#include <mutex>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/mail/link_variables.hpp"
#include "core/mail/local_variables.hpp"
#include "core/mail/visible_text.hpp"

namespace s3link::mail {
namespace {

namespace mustache = kainjow::mustache;

constexpr std::string_view kRemovedLater = "REMOVED_LATER";

enum class Escaping { none, html };

std::unexpected<Error> broken(std::string_view file, std::string message) {
  return fail(ErrorKind::invalid_argument, fmt::format("{}: {}", file, message));
}

bool is_variable(std::string_view name) {
  return std::ranges::find(kLinkVariables, name) != kLinkVariables.end() ||
         std::ranges::find(kLocalVariables, name) != kLocalVariables.end();
}

/// Looks at every tag, also those in sections that would not be rendered: what Mustache itself passes over in silence.
/// Returns whether LINK is shown.
Result<bool> check_tags(std::string_view file, std::string_view text, Escaping escaping) {
  bool shows_link = false;
  for (auto at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at)) {
    const bool triple = text.substr(at).starts_with("{{{");
    const auto begin = at + (triple ? 3 : 2);
    const auto end = text.find(triple ? "}}}" : "}}", begin);
    if (end == std::string_view::npos) return broken(file, "a tag that begins with {{ does not end");
    std::string_view name = trim(text.substr(begin, end - begin));
    at = end + (triple ? 3 : 2);

    const char sigil = name.empty() ? '\0' : name.front();
    if (sigil == '!') continue;
    if (sigil == '>') return broken(file, fmt::format("{{{{{}}}}}: other files cannot be included", name));
    if (sigil == '=') return broken(file, fmt::format("{{{{{}}}}}: the delimiters cannot be changed", name));
    if ((triple || sigil == '&') && escaping == Escaping::html) {
      return broken(file, fmt::format("{{{{{}}}}} would not be escaped; write {{{{NAME}}}} with two braces", name));
    }
    const bool section = sigil == '#' || sigil == '^' || sigil == '/';
    if (section || sigil == '&') name = trim(name.substr(1));
    if (!is_variable(name) && !(section && name == kRemovedLater)) {
      return broken(file, fmt::format("unknown variable {{{{{}}}}}; there are {}, {}", name,
                                      fmt::join(kLinkVariables, ", "), fmt::join(kLocalVariables, ", ")));
    }
    shows_link = shows_link || (name == "LINK" && !section);
  }
  return shows_link;
}

Result<bool> check(std::string_view file, const std::string& text, Escaping escaping) {
  if (!is_utf8(text)) return broken(file, "not UTF-8");
  const auto shows_link = check_tags(file, text, escaping);
  if (!shows_link) return shows_link;
  const mustache::mustache parsed(text);
  if (!parsed.is_valid()) return broken(file, parsed.error_message());
  return shows_link;
}

mustache::data variables(const LinkMailData& data) {
  mustache::data out;
  const auto set = [&out](auto named) {
    for (auto& [name, value] : named) {
      out.set(std::string(name), value.empty() ? mustache::data(false) : mustache::data(std::move(value)));
    }
  };
  set(link_variables(data));
  set(local_variables(data));
  out.set(std::string(kRemovedLater), mustache::data(removed_later(data)));
  return out;
}

mustache::mustache parsed(const std::string& text, Escaping escaping) {
  mustache::mustache out(text);
  if (escaping == Escaping::html) {
    out.set_custom_escape([](const std::string& value) { return html_escape(value); });
  } else {
    out.set_custom_escape([](const std::string& value) { return value; });
  }
  return out;
}

}  // namespace

/// Parsed once: that takes longer than all the rest of a mail. Mustache renders one mail at a time.
struct LinkTemplate::Parsed {
  explicit Parsed(const TemplateTexts& texts)
      : subject(parsed(texts.subject, Escaping::none)),
        text(parsed(texts.text, Escaping::none)),
        html(parsed(texts.html, Escaping::html)) {}

  std::mutex mutex;
  mustache::mustache subject, text, html;  // guarded by it
};

LinkTemplate::LinkTemplate(const TemplateTexts& texts) : parsed_(std::make_shared<Parsed>(texts)) {}

Result<LinkTemplate> LinkTemplate::parse(const TemplateTexts& texts) {
  const auto subject = check("subject.txt", texts.subject, Escaping::none);
  if (!subject) return std::unexpected(subject.error());
  if (*subject) return broken("subject.txt", "{{LINK}} is a secret, and subjects are logged by relays");
  if (trim(visible_text(texts.subject)).empty()) return broken("subject.txt", "empty");
  const auto html = check("body.html", texts.html, Escaping::html);
  if (!html) return std::unexpected(html.error());
  if (!*html) return broken("body.html", "{{LINK}} is missing");
  const auto text = check("body.txt", texts.text, Escaping::none);
  if (!text) return std::unexpected(text.error());
  if (!*text) return broken("body.txt", "{{LINK}} is missing");
  return LinkTemplate(texts);
}

RenderedMail LinkTemplate::render(const LinkMailData& data) const {
  const mustache::data values = variables(data);
  const std::scoped_lock lock(parsed_->mutex);
  return {.subject = visible_text(parsed_->subject.render(values)),
          .text = Secret(parsed_->text.render(values)),
          .html = Secret(parsed_->html.render(values))};
}

}  // namespace s3link::mail
