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
  set(easy, CURLOPT_ERRORBUFFER, message);
  set(easy, CURLOPT_CONNECT_ONLY, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.timeouts.connect.count()));

  const bool verify = url.implicit_tls || url.starttls == mail::StartTls::required;
  set(easy, CURLOPT_USE_SSL, url.implicit_tls ? long{CURLUSESSL_ALL} : use_ssl(url.starttls));
  set(easy, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
  set(easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
  set(easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
  if (!settings.ca_file.empty() || !settings.ca_folder.empty()) {  // these roots and no others
    const auto or_none = [](const std::string& path) { return path.empty() ? nullptr : path.c_str(); };
    set(easy, CURLOPT_CAINFO, or_none(settings.ca_file));
    set(easy, CURLOPT_CAPATH, or_none(settings.ca_folder));
  }
  return handle;
}

RelaySettings with_roots(RelaySettings settings) {
  if (!settings.ca_file.empty() || !settings.ca_folder.empty()) return settings;
  const auto variable = [](const char* name) {
    const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing changes the environment
    return std::string(value == nullptr ? "" : value);
  };
  settings.ca_file = variable("SSL_CERT_FILE");
  settings.ca_folder = variable("SSL_CERT_DIR");
  return settings;
}

std::string relay_name(const mail::RelayUrl& url) {
  return url.host.contains(':') ? fmt::format("[{}]:{}", url.host, url.port) : fmt::format("{}:{}", url.host, url.port);
}

std::string relay_address(const RelaySettings& settings, std::string_view sender) {
  const mail::RelayUrl& url = settings.url;
  const std::string name = settings.helo_name.empty() ? own_name(sender) : settings.helo_name;
  return fmt::format("{}://{}/{}", url.implicit_tls ? "smtps" : "smtp", relay_name(url), uri_encode(name));
}

}  // namespace s3link::smtp
