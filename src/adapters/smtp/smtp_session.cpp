#include "adapters/smtp/smtp_session.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>

#include "core/base/encoding.hpp"

namespace s3link::smtp {
namespace {

/// Seconds a connection may have been idle and still be used: below what relays wait before they close.
constexpr long kMaxIdle = 20;

void init_curl_once() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised");
  });
}

std::string host_and_port(const mail::RelayUrl& url) {
  return url.host.contains(':') ? fmt::format("[{}]:{}", url.host, url.port) : fmt::format("{}:{}", url.host, url.port);
}

long use_ssl(mail::StartTls starttls) {
  switch (starttls) {
    case mail::StartTls::required:
      return CURLUSESSL_ALL;
    case mail::StartTls::optional:
      return CURLUSESSL_TRY;
    case mail::StartTls::never:
      return CURLUSESSL_NONE;
  }
  return CURLUSESSL_ALL;
}

/// What we call ourselves in EHLO: this machine, where its name is a full one, else the sender's domain. Relays refuse
/// names without a dot (RFC 5321 §4.1.1.1 wants a domain).
std::string own_name(std::string_view sender) {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) == 0 && std::string_view(name.data()).contains('.'))
    return std::string(name.data());
  return std::string(sender.substr(sender.rfind('@') + 1));
}

void set(CURL* easy, CURLoption option, auto value) {
  const CURLcode code = curl_easy_setopt(easy, option, value);
  if (code != CURLE_OK)
    throw std::runtime_error(fmt::format("libcurl option {}: {}", int(option), curl_easy_strerror(code)));
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

void SmtpSession::Free::operator()(void* easy) const noexcept { curl_easy_cleanup(easy); }

SmtpSession::SmtpSession(const RelaySettings& settings) : relay_(host_and_port(settings.url)) {
  init_curl_once();
  easy_.reset(curl_easy_init());
  if (!easy_) throw std::runtime_error("libcurl: no memory for a handle");

  CURL* const easy = easy_.get();
  const mail::RelayUrl& url = settings.url;
  url_ = fmt::format("{}://{}/", url.implicit_tls ? "smtps" : "smtp", relay_);
  set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(easy, CURLOPT_PROXY, "");  // the environment's proxies speak HTTP
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_UPLOAD, 1L);
  set(easy, CURLOPT_SASL_IR, 1L);
  set(easy, CURLOPT_ERRORBUFFER, curl_message_.data());
  set(easy, CURLOPT_READFUNCTION, &Callbacks::read);
  set(easy, CURLOPT_READDATA, static_cast<void*>(this));
  set(easy, CURLOPT_HEADERFUNCTION, &Callbacks::reply);
  set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(easy, CURLOPT_WRITEFUNCTION, &Callbacks::ignore);
  set(easy, CURLOPT_XFERINFOFUNCTION, &Callbacks::stop);
  set(easy, CURLOPT_XFERINFODATA, static_cast<void*>(this));
  set(easy, CURLOPT_NOPROGRESS, 0L);

  const long silence = std::max<long>(1, static_cast<long>(settings.timeout.count()) / 2'000);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout.count()));
  set(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeout.count()));
  set(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, silence);
  set(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(easy, CURLOPT_LOW_SPEED_TIME, silence);
  set(easy, CURLOPT_MAXAGE_CONN, kMaxIdle);

  const bool verify = url.implicit_tls || url.starttls == mail::StartTls::required;
  set(easy, CURLOPT_USE_SSL, url.implicit_tls ? long{CURLUSESSL_ALL} : use_ssl(url.starttls));
  set(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  set(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (!settings.ca_file.empty()) {
    set(easy, CURLOPT_CAINFO, settings.ca_file.c_str());
    set(easy, CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // these roots and no others
  }

  if (!url.user.empty()) {
    set(easy, CURLOPT_USERNAME, url.user.c_str());
    set(easy, CURLOPT_PASSWORD, std::string(settings.password.reveal()).c_str());
  }
}

SmtpSession::~SmtpSession() {
  // libcurl says QUIT and waits for the answer as long as for any other. Nobody needs that answer.
  curl_socket_t socket = CURL_SOCKET_BAD;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK && socket != CURL_SOCKET_BAD) {
    ::shutdown(socket, SHUT_RD);
  }
}

Result<ports::MailReceipt> SmtpSession::send(const mail::Mail& mail, const std::atomic<bool>& cancelled) {
  if (cancelled) return fail(ErrorKind::transient, "stopped before the message was sent");
  CURL* const easy = easy_.get();
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> recipients(
      curl_slist_append(nullptr, fmt::format("<{}>", mail.envelope_to).c_str()), &curl_slist_free_all);
  if (!recipients) throw std::bad_alloc();
  set(easy, CURLOPT_URL, (url_ + uri_encode(own_name(mail.envelope_from))).c_str());
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
    Error error = explain(code);
    cancelled_ = nullptr;
    return std::unexpected(std::move(error));
  }
  cancelled_ = nullptr;
  const auto& reply = replies_.last();
  return ports::MailReceipt{reply ? reply->text : std::string()};
}

Error SmtpSession::explain(int curl_code) const {
  const auto code = static_cast<CURLcode>(curl_code);
  if (*cancelled_) return {ErrorKind::transient, "stopped while the message was being sent", ""};

  const auto& reply = replies_.last();
  if (reply && (reply->transient() || reply->permanent())) {
    Error error{reply->permanent() ? ErrorKind::denied : ErrorKind::transient, reply->text,
                std::to_string(reply->code)};
    if (code == CURLE_LOGIN_DENIED) error.message += " (check email.password_file and the user in email.transport)";
    return error;
  }
  const std::string_view said = curl_message_.front() != '\0' ? curl_message_.data() : curl_easy_strerror(code);
  if (code == CURLE_LOGIN_DENIED) {
    return {
        ErrorKind::denied,
        fmt::format("relay {}: it offers no way to log in that is supported here (email.transport names a user): {}",
                    relay_, said),
        ""};
  }
  if (code == CURLE_USE_SSL_FAILED) {
    return {ErrorKind::transient,
            fmt::format("relay {}: it does not offer STARTTLS, which email.transport requires: {}", relay_, said), ""};
  }
  if (handed_over_) {
    return {
        ErrorKind::transient,
        fmt::format("relay {}: no answer after the message was handed over, it may have been taken: {}", relay_, said),
        ""};
  }
  return {ErrorKind::transient, fmt::format("relay {}: {}", relay_, said), ""};
}

}  // namespace s3link::smtp
