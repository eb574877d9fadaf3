#include "services/pipeline/alarm_mail.hpp"

#include <string_view>
#include <utility>

#include "core/alarm/notification_text.hpp"
#include "core/mail/message.hpp"

namespace s3link::pipeline {
namespace {

mail::Mail compose(const AlarmMailSettings& settings, const alarm::Notification& notification) {
  const auto text = alarm::mail_text(notification, settings.source);
  std::string id = mail::message_id_of(
      {"alarm", alarm::identity(notification, settings.source), settings.recipient.text()}, settings.sender);
  Secret message = mail::build_message({.from = settings.sender,
                                        .from_name = settings.sender_name,
                                        .to = settings.recipient,
                                        .subject = text.subject,
                                        .date = notification.made,
                                        .message_id = id,
                                        .text = text.text,
                                        .html = text.html,
                                        // A repeat has the same bytes, and the id's hexadecimal digits are as random.
                                        .boundary_seed = std::string_view(id).substr(1, 32)});
  return {.envelope_from = settings.bounce_address.value_or(settings.sender).text(),
          .envelope_to = settings.recipient.text(),
          .message_id = std::move(id),
          .rfc5322 = std::move(message)};
}

}  // namespace

AlarmMail::AlarmMail(AlarmMailSettings settings, ports::MailSender& sender)
    : settings_(std::move(settings)), sender_(sender) {}

Awaitable<Status> AlarmMail::tell(alarm::Notification notification) {
  auto sent = co_await sender_.send(compose(settings_, notification));
  if (sent) co_return Status{};
  Error error = std::move(sent.error().error);
  if (error.kind == ErrorKind::denied) error.kind = ErrorKind::transient;
  co_return std::unexpected(std::move(error));
}

}  // namespace s3link::pipeline
