#pragma once

#include <optional>
#include <string>

#include "core/mail/address.hpp"
#include "ports/alarm_subscriber.hpp"
#include "ports/mail_sender.hpp"

namespace s3link::pipeline {

struct AlarmMailSettings {
  mail::Address sender;
  std::string sender_name;
  mail::Address recipient;
  alarm::Source source;
  std::optional<mail::Address> bounce_address = {};  ///< envelope sender; empty: the sender
};

/// AdminAlarmEMail of the published design: one mail, in text and HTML, to one address. A repeat has the same
/// Message-ID and the same bytes.
class AlarmMail final : public ports::AlarmSubscriber {
 public:
  /// The sender must outlive it.
  AlarmMail(AlarmMailSettings settings, ports::MailSender& sender);

  std::string_view name() const noexcept override { return "email"; }
  /// A refusal (5yz) may be tried again: it may be what the alarm is about, and be mended by who reads of it.
  Awaitable<Status> tell(alarm::Notification notification) override;

 private:
  AlarmMailSettings settings_;
  ports::MailSender& sender_;
};

}  // namespace s3link::pipeline
