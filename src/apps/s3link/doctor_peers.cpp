#include "apps/s3link/doctor_peers.hpp"

#include <fmt/format.h>

#include <boost/asio/this_coro.hpp>
#include <chrono>
#include <span>
#include <utility>

#include "adapters/http_client/reach.hpp"
#include "adapters/otlp/traces_target.hpp"
#include "adapters/xray/daemon_address.hpp"
#include "core/config/values.hpp"

namespace s3link::app {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kDeadline = 10s;
/// How long a refusal of a datagram may be on its way.
constexpr std::chrono::milliseconds kRefusalWait = 300ms;

Awaitable<void> check_webhook(const Secret& webhook, DoctorReport& report) {
  const auto url = config::split_http_url(webhook.reveal()).value();  // checked when it was set
  const Status reached = co_await http_client::reach(co_await asio::this_coro::executor, url.scheme == "https",
                                                     url.peer.host, url.peer.port, {}, kDeadline);
  if (reached) {
    report.ok("webhook", "the host of alarm.webhook takes connections; nothing was posted");
  } else {
    report.failed("webhook", "the host of alarm.webhook: " + reached.error().message,
                  "check the URL in alarm.webhook, and what stands between this machine and it");
  }
}

void check_xray(const config::HostPort& daemon, DoctorReport& report) {
  const Status there = xray::probe_daemon(daemon.host, daemon.port, kRefusalWait);
  if (there) {
    report.ok("X-Ray", fmt::format("{} does not refuse datagrams; UDP tells no more", daemon.text()));
  } else {
    report.failed("X-Ray", fmt::format("{}: {}", daemon.text(), there.error().message),
                  "start the X-Ray daemon, or correct trace.xray_daemon");
  }
}

class OneBody final : public ports::HttpBodySource {
 public:
  explicit OneBody(std::string_view text) : left_(text) {}
  Awaitable<Result<std::span<const std::byte>>> next() override {
    const std::string_view piece = std::exchange(left_, {});
    co_return std::as_bytes(std::span(piece));
  }

 private:
  std::string_view left_;
};

/// An export without spans, which a collector answers as any other: OTLP specification, "OTLP/HTTP Request".
Awaitable<void> check_otlp(std::string endpoint, ports::HttpClient& http, DoctorReport& report) {
  constexpr std::string_view kEmpty = R"({"resourceSpans":[]})";
  const auto url = config::split_http_url(endpoint).value();  // checked when it was set
  ports::HttpClientRequest request;
  request.scheme = url.scheme;
  request.host = url.peer.host;
  request.port = url.peer.port;
  request.method = "POST";
  request.target = otlp::traces_target(url.target);
  request.fields = {{"Host", url.authority}, {"Content-Type", "application/json"}};
  request.body_length = kEmpty.size();
  OneBody body(kEmpty);
  const auto answer = co_await http.exchange(std::move(request), &body, kDeadline);
  const std::string name = fmt::format("{}://{}", url.scheme, url.authority);  // a path may hold a token
  const std::string fix = "start the collector, or correct trace.otlp_endpoint";
  if (!answer) {
    report.failed("OTLP", fmt::format("{}: {}", name, answer.error().message), fix);
  } else if (answer->status < 200 || answer->status > 299) {
    report.failed("OTLP", fmt::format("{} answers an empty export with status {}", name, answer->status), fix);
  } else {
    report.ok("OTLP", fmt::format("{} takes traces", name));
  }
}

}  // namespace

Awaitable<void> check_peers(const config::Settings& settings, ports::HttpClient& http, DoctorReport& report) {
  if (!settings.alarm.webhook.empty() && report.has_time_for("webhook")) {
    co_await check_webhook(settings.alarm.webhook, report);
  }
  if (settings.trace.xray_daemon && report.has_time_for("X-Ray")) check_xray(*settings.trace.xray_daemon, report);
  if (!settings.trace.otlp_endpoint.empty() && report.has_time_for("OTLP")) {
    co_await check_otlp(settings.trace.otlp_endpoint, http, report);
  }
}

}  // namespace s3link::app
