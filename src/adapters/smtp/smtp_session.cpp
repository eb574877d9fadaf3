#include "adapters/smtp/smtp_session.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/smtp/login.hpp"
#include "core/mail/smtp_data.hpp"

namespace s3link::smtp {
namespace {

using namespace std::chrono_literals;
using mail::SmtpPhase;
using ports::FailureScope;
using ports::SendFailure;

/// A relay that takes longer than this over RSET is left for a new connection.
constexpr std::chrono::milliseconds kReset = 10s;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c < 0x80; });
}

SendFailure stopped(bool handed_over) {
  return {{ErrorKind::transient, "stopped while the message was being sent", ""}, FailureScope::ours, handed_over};
}

}  // namespace

SmtpSession::~SmtpSession() {
  if (dialog_) dialog_->leave();
}

ports::SendResult SmtpSession::send(const mail::Mail& mail, std::string_view secret,
                                    const std::atomic<bool>& cancelled) {
  if (cancelled) {
    return std::unexpected(
        SendFailure{{ErrorKind::transient, "stopped before the message was sent", ""}, FailureScope::ours});
  }
  if (dialog_) dialog_->work_for(cancelled);
  bool kept = has_usable_connection();
  while (true) {
    if (!kept) {
      if (auto failure = connect(mail.envelope_from, secret, cancelled)) return std::unexpected(std::move(*failure));
    }
    gone_ = false;
    auto sent = hand_over(mail);
    if (dialog_ && dialog_->ended()) dialog_.reset();
    if (sent || !kept || !gone_) return sent;
    kept = false;
  }
}

bool SmtpSession::has_usable_connection() {
  if (!dialog_) return false;
  if (dialog_->is_quiet()) {
    if (!in_doubt_) return true;
    const auto reset = dialog_->command("RSET", kReset);
    in_doubt_ = false;
    if (reset && reset->positive()) return true;
  }
  dialog_.reset();
  return false;
}

std::optional<SendFailure> SmtpSession::connect(const std::string& sender, std::string_view secret,
                                                const std::atomic<bool>& cancelled) {
  auto dialog = std::make_unique<RelayDialog>(settings_);
  dialog->work_for(cancelled);
  if (auto failure = dialog->open(sender)) {
    if (cancelled) return stopped(false);
    return SendFailure{std::move(failure->error), FailureScope::relay};
  }
  if (auto logged_in = log_in(*dialog, settings_, secret); !logged_in) {
    if (cancelled) return stopped(false);
    if (!dialog->ended()) dialog->leave();
    return SendFailure{std::move(logged_in.error()), FailureScope::relay};
  }
  dialog_ = std::move(dialog);
  in_doubt_ = false;
  return std::nullopt;
}

ports::SendResult SmtpSession::hand_over(const mail::Mail& mail) {
  const RelayTimeouts& timeouts = settings_.timeouts;
  const std::string_view message = mail.rfc5322.reveal();
  std::string sender = fmt::format("MAIL FROM:<{}>", mail.envelope_from);
  if (dialog_->offer("SIZE")) sender += fmt::format(" SIZE={}", message.size());
  const bool international = !is_ascii(mail.envelope_from) || !is_ascii(mail.envelope_to);
  if (international && !dialog_->offer("SMTPUTF8")) {
    return std::unexpected(SendFailure{
        {ErrorKind::denied,
         fmt::format(
             "relay {}: it does not take addresses with letters outside ASCII before the @ (SMTPUTF8, RFC 6531)",
             relay_name(settings_.url)),
         ""},
        FailureScope::recipient});
  }
  if (!is_ascii(message) && dialog_->offer("8BITMIME")) sender += " BODY=8BITMIME";
  if (international) sender += " SMTPUTF8";

  if (auto failure = say(SmtpPhase::sender, sender, timeouts.reply, 250)) return std::unexpected(std::move(*failure));
  const std::string recipient = fmt::format("RCPT TO:<{}>", mail.envelope_to);
  if (auto failure = say(SmtpPhase::recipient, recipient, timeouts.reply, 250)) {
    return std::unexpected(std::move(*failure));
  }
  if (auto failure = say(SmtpPhase::data, "DATA", timeouts.data_start, 354))
    return std::unexpected(std::move(*failure));

  const Secret data = mail::smtp_data(message);
  if (const Status handed = dialog_->send_message(data.reveal(), timeouts.data_block); !handed) {
    // Without its final dot no message is taken.
    if (const auto words = dialog_->last_words()) return std::unexpected(refused(SmtpPhase::end_of_data, *words));
    return std::unexpected(broken(handed.error()));
  }
  const auto reply = dialog_->read_reply(timeouts.data_end);
  if (!reply) return std::unexpected(unanswered(reply.error()));
  if (reply->transient() || reply->permanent()) return std::unexpected(refused(SmtpPhase::end_of_data, *reply));
  if (!reply->positive()) {
    dialog_.reset();
    return std::unexpected(unanswered({ErrorKind::transient, reply->text, ""}));
  }
  if (!dialog_->is_quiet()) dialog_.reset();  // it has said more than it was asked
  return ports::MailReceipt{reply->text};
}

/// Empty: the relay has answered as wanted (any 2yz for 250).
std::optional<SendFailure> SmtpSession::say(SmtpPhase phase, const std::string& command,
                                            std::chrono::milliseconds timeout, unsigned wanted) {
  const auto reply = dialog_->command(command, timeout);
  if (!reply) {
    gone_ = dialog_->ended() == RelayDialog::End::closed || dialog_->ended() == RelayDialog::End::nonsense;
    SendFailure failure = broken(reply.error());
    // It has just answered to the commands before: what it does not come to an end with is this recipient, this
    // message.
    if (dialog_->ended() == RelayDialog::End::timeout && phase == SmtpPhase::recipient)
      failure.scope = FailureScope::recipient;
    if (dialog_->ended() == RelayDialog::End::timeout && phase == SmtpPhase::data)
      failure.scope = FailureScope::message;
    return failure;
  }
  if (reply->code / 100 == wanted / 100) return std::nullopt;
  if (reply->transient() || reply->permanent()) return refused(phase, *reply);
  dialog_.reset();  // whatever it answers, it is not this command
  return SendFailure{{ErrorKind::transient,
                      fmt::format("relay {}: it answers out of step: {}", relay_name(settings_.url), reply->text), ""},
                     FailureScope::relay};
}

SendFailure SmtpSession::refused(SmtpPhase phase, const Reply& reply) {
  const mail::SmtpVerdict verdict = mail::judge(phase, reply.text);
  if (reply.code == 421) {
    gone_ = phase != SmtpPhase::end_of_data;
    dialog_.reset();
  }
  in_doubt_ = true;
  std::string words = reply.text;
  if (mail::refuses_login({{verdict.kind, "", std::to_string(reply.code)}, verdict.scope})) {
    words += fmt::format(" (check {0}.password_file and the user in {0}.transport)", settings_.section);
  }
  return {{verdict.kind, std::move(words), std::to_string(reply.code)}, verdict.scope};
}

SendFailure SmtpSession::broken(Error error) const {
  if (dialog_->ended() == RelayDialog::End::cancelled) return stopped(false);
  return {std::move(error), FailureScope::relay};
}

SendFailure SmtpSession::unanswered(const Error& error) const {
  if (dialog_ && dialog_->ended() == RelayDialog::End::cancelled) return stopped(true);
  return {{ErrorKind::transient,
           fmt::format("no answer after the message was handed over, it may have been taken: {}", error.message), ""},
          FailureScope::message,
          true};
}

}  // namespace s3link::smtp
