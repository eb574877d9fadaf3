#include "adapters/aws/ses_sender.hpp"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string_view>
#include <utility>

#include "adapters/aws/ses_advice.hpp"
#include "core/base/encoding.hpp"
#include "core/base/json_text.hpp"
#include "core/mail/encoded_word.hpp"

namespace s3link::aws {
namespace {

namespace json = boost::json;
using ports::TemplateMail;
using ports::TemplateMailFailure;
using ports::TemplateMailReceipt;

/// The text of a quoted string, or what is none as it stands.
std::string unquoted(std::string_view text) {
  if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return std::string(text);
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

/// SES takes ASCII only: a name beyond it becomes encoded words, in one line.
/// Source: Amazon SES API v2 Reference, "SendEmail", FromEmailAddress.
std::string from_address(const std::string& sender) {
  const bool ascii = std::ranges::all_of(sender, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  const auto open = sender.rfind('<');
  if (ascii || open == std::string::npos) return sender;
  std::string name = mail::encode_display_name(unquoted(trim(std::string_view(sender).substr(0, open))), 0);
  std::erase_if(name, [](char c) { return c == '\r' || c == '\n'; });
  return name + ' ' + sender.substr(open);
}

void append_pairs(std::string& out, const std::vector<std::pair<std::string, std::string>>& pairs) {
  out += '[';
  for (const auto& pair : pairs) {
    if (&pair != &pairs.front()) out += ',';
    JsonObject object(out);
    object.text("Name", pair.first);
    object.text("Value", pair.second);
  }
  out += ']';
}

/// What was reserved is enough for all but control characters in every place: so the text does not grow, and leaves no
/// copies of the presigned URL behind.
std::size_t size_of(const TemplateMail& mail) {
  std::size_t size = 512 + 2 * mail.template_data.reveal().size() + 2 * mail.sender.size();
  for (const auto* const pairs : {&mail.headers, &mail.tags}) {
    for (const auto& [name, value] : *pairs) size += 32 + name.size() + 2 * value.size();
  }
  return size;
}

Secret send_email_document(const TemplateMail& mail) {
  std::string out;
  out.reserve(size_of(mail));
  {
    JsonObject document(out);
    document.text("FromEmailAddress", from_address(mail.sender));
    {
      JsonObject destination(document.member("Destination"));
      destination.literal("ToAddresses", '[' + json_string(mail.recipient.text()) + ']');
    }
    {
      JsonObject content(document.member("Content"));
      JsonObject stored(content.member("Template"));
      stored.text("TemplateName", mail.template_name);
      stored.text("TemplateData", mail.template_data.reveal());
      if (!mail.headers.empty()) append_pairs(stored.member("Headers"), mail.headers);
    }
    if (!mail.tags.empty()) append_pairs(document.member("EmailTags"), mail.tags);
    if (!mail.configuration_set.empty()) document.text("ConfigurationSetName", mail.configuration_set);
  }
  return Secret(std::move(out));
}

/// Empty where the answer does not say.
std::string message_id(std::string_view answer) {
  boost::system::error_code ec;
  const json::value document = json::parse(answer, ec);
  const auto* const object = ec ? nullptr : document.if_object();
  const auto* const member = object == nullptr ? nullptr : object->if_contains("MessageId");
  const auto* const id = member == nullptr ? nullptr : member->if_string();
  return id == nullptr ? std::string() : std::string(*id);
}

TemplateMailFailure failure_of(CallFailure failure, std::string_view region) {
  std::string advice = ses_advice(failure.error, region);
  if (failure.error.kind != ErrorKind::transient) failure.error.kind = ErrorKind::denied;
  return {.error = std::move(failure.error), .maybe_sent = failure.maybe_done, .advice = std::move(advice)};
}

}  // namespace

Awaitable<std::expected<TemplateMailReceipt, TemplateMailFailure>> SesSender::send(TemplateMail mail, Instant deadline,
                                                                                   trace::Segment& under) {
  Call call{.operation = "SendEmail",
            .target = "/v2/email/outbound-emails",
            .fields = {{"Content-Type", "application/json"}},
            .body = send_email_document(mail),
            .host_prefix = {}};
  auto answer = co_await caller_.call(endpoint_, std::move(call), deadline, under);
  if (!answer) co_return std::unexpected(failure_of(std::move(answer.error()), caller_.region()));
  std::string id = message_id(answer->body);
  if (id.empty()) {
    co_return std::unexpected(
        TemplateMailFailure{.error = {.kind = ErrorKind::transient,
                                      .message = "the answer to SendEmail holds no MessageId, so it is not SES's",
                                      .code = "unknown"},
                            .maybe_sent = true,
                            .advice = {}});
  }
  co_return TemplateMailReceipt{.message_id = std::move(id)};
}

}  // namespace s3link::aws
