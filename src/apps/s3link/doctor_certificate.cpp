#include "apps/s3link/doctor_certificate.hpp"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <optional>

#include "adapters/http_server/tls_context.hpp"
#include "apps/s3link/configuration.hpp"
#include "apps/s3link/doctor_folder.hpp"
#include "core/config/values.hpp"
#include "core/doctor/time_checks.hpp"

namespace s3link::app {
namespace {

constexpr const char* kCheck = "certificate";

std::optional<Instant> instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  using namespace std::chrono;
  const auto day = year_month_day(year(parts.tm_year + 1900), month(static_cast<unsigned>(parts.tm_mon + 1)),
                                  std::chrono::day(static_cast<unsigned>(parts.tm_mday)));
  return Instant(sys_days(day)) + hours(parts.tm_hour) + minutes(parts.tm_min) + seconds(parts.tm_sec);
}

bool is_made_out_to(X509* certificate, const std::string& host) {
  return X509_check_host(certificate, host.data(), host.size(), 0, nullptr) == 1 ||
         X509_check_ip_asc(certificate, host.c_str(), 0) == 1;
}

}  // namespace

void check_certificate(const config::Loaded& loaded, Instant now, DoctorReport& report) {
  const config::Settings::Server& server = loaded.settings.server;
  if (!server.tls_certificate) {
    report.skipped(kCheck, "the server speaks plain HTTP (server.tls_certificate is not set)");
    return;
  }
  const auto context = http_server::load_tls({*server.tls_certificate, *server.tls_key});
  if (!context) {
    report.failed(kCheck, context.error().message, "correct server.tls_certificate and server.tls_key");
    return;
  }
  X509* const certificate = SSL_CTX_get0_certificate((*context)->native_handle());
  const auto begin = instant_of(X509_get0_notBefore(certificate)), end = instant_of(X509_get0_notAfter(certificate));
  const std::string file = server.tls_certificate->string();
  if (!begin || !end) {
    report.failed(kCheck, file + ": its days cannot be read", "put another one where server.tls_certificate points");
    return;
  }
  report.add(doctor::check_certificate_days(*begin, *end, now, file));
  const auto url = config::split_http_url(server.public_url + "/");
  if (is_given(loaded, "server", "public_url") && url && url->scheme == "https" &&
      !is_made_out_to(certificate, url->peer.host)) {
    report.warning(kCheck, fmt::format("{} is not made out to {}, which is in every link", file, url->peer.host),
                   "fine behind a proxy that has its own; else correct server.tls_certificate or server.public_url");
  }
}

}  // namespace s3link::app
