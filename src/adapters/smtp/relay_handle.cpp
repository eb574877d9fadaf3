#include "adapters/smtp/relay_handle.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <mutex>
#include <stdexcept>

#include "adapters/smtp/curl_option.hpp"
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

}  // namespace

void FreeHandle::operator()(void* easy) const noexcept { curl_easy_cleanup(easy); }

RelayHandle make_relay_handle(const RelaySettings& settings, char* message) {
  init_curl_once();
  RelayHandle handle(curl_easy_init());
  if (!handle) throw std::runtime_error("libcurl: no memory for a handle");

  CURL* const easy = handle.get();
  const mail::RelayUrl& url = settings.url;
  set(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
  set(easy, CURLOPT_PROXY, "");  // the environment's proxies speak HTTP
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_SASL_IR, 1L);
  set(easy, CURLOPT_ERRORBUFFER, message);

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
  return handle;
}

RelaySettings with_roots(RelaySettings settings) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing changes the environment
  if (const char* const file = std::getenv("SSL_CERT_FILE"); settings.ca_file.empty() && file != nullptr) {
    settings.ca_file = file;
  }
  return settings;
}

std::string relay_name(const mail::RelayUrl& url) {
  return url.host.contains(':') ? fmt::format("[{}]:{}", url.host, url.port) : fmt::format("{}:{}", url.host, url.port);
}

std::string relay_address(const mail::RelayUrl& url, std::string_view sender) {
  return fmt::format("{}://{}/{}", url.implicit_tls ? "smtps" : "smtp", relay_name(url), uri_encode(own_name(sender)));
}

Error relay_error(int curl_code, const std::optional<Reply>& reply, std::string_view said, std::string_view relay) {
  const auto code = static_cast<CURLcode>(curl_code);
  if (reply && (reply->transient() || reply->permanent())) {
    return {reply->permanent() ? ErrorKind::denied : ErrorKind::transient, reply->text, std::to_string(reply->code)};
  }
  if (said.empty()) said = curl_easy_strerror(code);
  if (code == CURLE_LOGIN_DENIED) {
    return {ErrorKind::denied,
            fmt::format("relay {}: it offers no way to log in that is supported here: {}", relay, said), ""};
  }
  if (code == CURLE_USE_SSL_FAILED) {
    return {ErrorKind::transient,
            fmt::format("relay {}: it does not offer STARTTLS, which is required: {}", relay, said), ""};
  }
  return {ErrorKind::transient, fmt::format("relay {}: {}", relay, said), ""};
}

}  // namespace s3link::smtp
