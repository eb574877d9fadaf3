#include "adapters/smtp/smtp_session.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>

#include "adapters/smtp/curl_option.hpp"
#include "core/mail/smtp_verdict.hpp"

namespace s3link::smtp {

namespace {

/// How far libcurl came, by its words (lib/smtp.c).
mail::SmtpPhase phase_of(int curl_code, std::string_view said) {
  if (said.starts_with("MAIL failed")) return mail::SmtpPhase::sender;
  if (said.starts_with("RCPT failed")) return mail::SmtpPhase::recipient;
  if (said.starts_with("DATA failed")) return mail::SmtpPhase::data;
  if (curl_code == CURLE_LOGIN_DENIED) return mail::SmtpPhase::login;
  if (curl_code == CURLE_REMOTE_ACCESS_DENIED || curl_code == CURLE_USE_SSL_FAILED) return mail::SmtpPhase::hello;
  return curl_code == CURLE_WEIRD_SERVER_REPLY ? mail::SmtpPhase::greeting : mail::SmtpPhase::connection;
}

}  // namespace

struct SmtpSession::Callbacks {
  static std::size_t read(char* out, std::size_t size, std::size_t count, void* self_) {
    auto& self = *static_cast<SmtpSession*>(self_);
    const std::size_t piece = std::min(size * count, self.unread_.size());
    std::copy_n(self.unread_.data(), piece, out);
    self.unread_.remove_prefix(piece);
    self.handed_over_ = self.unread_.empty();
    return piece;
  }

  static std::size_t reply(char* line, std::size_t size, std::size_t count, void* self_) {
    static_cast<SmtpSession*>(self_)->replies_.read_line({line, size * count});
    return size * count;
  }

  static std::size_t ignore(char*, std::size_t size, std::size_t count, void*) { return size * count; }

  /// Asked about once a second.
  static int stop(void* self_, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    const auto& self = *static_cast<SmtpSession*>(self_);
    return self.cancelled_ != nullptr && *self.cancelled_ ? 1 : 0;
  }
};

SmtpSession::SmtpSession(const RelaySettings& settings)
    : relay_url_(settings.url),
      relay_(relay_name(settings.url)),
      easy_(make_relay_handle(settings, curl_message_.data())) {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_UPLOAD, 1L);
  set(easy, CURLOPT_READFUNCTION, &Callbacks::read);
  set(easy, CURLOPT_READDATA, static_cast<void*>(this));
  set(easy, CURLOPT_HEADERFUNCTION, &Callbacks::reply);
  set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(easy, CURLOPT_WRITEFUNCTION, &Callbacks::ignore);
  set(easy, CURLOPT_XFERINFOFUNCTION, &Callbacks::stop);
  set(easy, CURLOPT_XFERINFODATA, static_cast<void*>(this));
  set(easy, CURLOPT_NOPROGRESS, 0L);
}

SmtpSession::~SmtpSession() {
  // libcurl says QUIT and waits for the answer as long as for any other. Nobody needs that answer.
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK && socket != CURL_SOCKET_BAD) {
    ::shutdown(socket, SHUT_RD);
  }
}

ports::SendResult SmtpSession::send(const mail::Mail& mail, const std::atomic<bool>& cancelled) {
  if (cancelled) {
    return std::unexpected(ports::SendFailure{{ErrorKind::transient, "stopped before the message was sent", ""},
                                              ports::FailureScope::message});
  }
  CURL* const easy = easy_.get();
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(
      curl_slist_append(nullptr, fmt::format("<{}>", mail.envelope_to).c_str()), &curl_slist_free_all);
  if (!recipients) throw std::bad_alloc();
  set(easy, CURLOPT_URL, relay_address(relay_url_, mail.envelope_from).c_str());
  set(easy, CURLOPT_MAIL_FROM, fmt::format("<{}>", mail.envelope_from).c_str());
  set(easy, CURLOPT_MAIL_RCPT, recipients.get());
  set(easy, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(mail.rfc5322.reveal().size()));

  replies_.clear();
  curl_message_.front() = '\0';
  unread_ = mail.rfc5322.reveal();
  handed_over_ = false;
  cancelled_ = &cancelled;
  const CURLcode code = curl_easy_perform(easy);
  unread_ = {};
  if (code != CURLE_OK) {
    ports::SendFailure failure = explain(code);
    cancelled_ = nullptr;
    return std::unexpected(std::move(failure));
  }
  cancelled_ = nullptr;
  const auto& reply = replies_.last();
  return ports::MailReceipt{reply ? reply->text : std::string()};
}

ports::SendFailure SmtpSession::explain(int curl_code) const {
  if (*cancelled_) {
    return {{ErrorKind::transient, "stopped while the message was being sent", ""},
            ports::FailureScope::message,
            handed_over_};
  }
  const auto& reply = replies_.last();
  const bool refused = reply && (reply->transient() || reply->permanent());
  const std::string_view said = curl_message_.data();
  if (handed_over_ && !refused) {
    return {{ErrorKind::transient,
             fmt::format("relay {}: no answer after the message was handed over, it may have been taken: {}", relay_,
                         said.empty() ? curl_easy_strerror(static_cast<CURLcode>(curl_code)) : said),
             ""},
            ports::FailureScope::message,
            true};
  }
  Error error = relay_error(curl_code, reply, said, relay_);
  const mail::SmtpPhase phase = handed_over_ ? mail::SmtpPhase::end_of_data : phase_of(curl_code, said);
  const auto verdict = mail::judge(phase, refused ? std::string_view(reply->text) : std::string_view());
  if (refused) error.kind = verdict.kind;
  if (curl_code == CURLE_LOGIN_DENIED) error.message += " (check email.password_file and the user in email.transport)";
  if (curl_code == CURLE_USE_SSL_FAILED) error.message += " (check starttls in email.transport)";
  return {std::move(error), verdict.scope, false};
}

}  // namespace s3link::smtp
