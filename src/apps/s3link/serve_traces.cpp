#include "apps/s3link/serve_traces.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <string>
#include <thread>
#include <utility>

#include "adapters/http_client/beast_client.hpp"
#include "adapters/otlp/otlp_trace_sink.hpp"
#include "adapters/otlp/traces_target.hpp"
#include "adapters/xray/udp_trace_sink.hpp"
#include "core/config/values.hpp"
#include "services/pipeline/trace_fan_out.hpp"
#include "services/server/request_log.hpp"
#include "services/server/request_traces.hpp"

namespace s3link::app {
namespace {

using pipeline::TraceFanOut;

otlp::OtlpSettings otlp_settings(const config::HttpUrl& url) {
  otlp::OtlpSettings out;
  out.scheme = url.scheme;
  out.host = url.peer.host;
  out.port = url.peer.port;
  out.authority = url.authority;
  out.target = otlp::traces_target(url.target);
  out.version = S3LINK_VERSION;
  return out;
}

/// The exporter and its thread.
class OtlpThread {
 public:
  OtlpThread(otlp::OtlpSettings settings, ports::Clock& clock, ports::Random& random, ports::Logger& logger)
      : client_(context_.get_executor()), sink_(std::move(settings), context_.get_executor(), client_, clock, random) {
    asio::co_spawn(context_, sink_.run(), [&logger](const std::exception_ptr& failure) {
      if (failure) logger.log(ports::LogLevel::error, "trace exporter broke off", {{"exporter", "OTLP"}});
    });
    thread_ = std::thread([this] { context_.run(); });
  }
  OtlpThread(const OtlpThread&) = delete;
  OtlpThread& operator=(const OtlpThread&) = delete;
  ~OtlpThread() { stop(); }

  otlp::OtlpTraceSink& sink() { return sink_; }
  void stop() {
    if (!thread_.joinable()) return;
    sink_.stop();
    thread_.join();
  }

 private:
  asio::io_context context_{1};
  http_client::BeastClient client_;
  otlp::OtlpTraceSink sink_;
  std::thread thread_;
};

std::unique_ptr<xray::UdpTraceSink> open_xray(const config::Settings& settings, ports::Random& random,
                                              ports::Logger& logger) {
  if (!settings.trace.xray_daemon) return nullptr;
  auto opened = xray::UdpTraceSink::open(settings.trace.xray_daemon->host, settings.trace.xray_daemon->port, random);
  if (opened) return std::move(*opened);
  logger.log(ports::LogLevel::warning, "no traces are sent to the X-Ray daemon", {{"reason", opened.error().message}});
  return nullptr;
}

std::unique_ptr<OtlpThread> start_otlp(const config::Settings& settings, ports::Clock& clock, ports::Random& random,
                                       ports::Logger& logger) {
  if (settings.trace.otlp_endpoint.empty()) return nullptr;
  const auto url = config::split_http_url(settings.trace.otlp_endpoint);
  if (url) return std::make_unique<OtlpThread>(otlp_settings(*url), clock, random, logger);
  logger.log(ports::LogLevel::warning, "no traces are sent to the OTLP collector", {{"reason", url.error().message}});
  return nullptr;
}

std::vector<TraceFanOut::Exporter> exporters_of(xray::UdpTraceSink* xray, OtlpThread* otlp) {
  std::vector<TraceFanOut::Exporter> out;
  if (xray != nullptr) {
    out.push_back(
        {"X-Ray", *xray, [xray] { return TraceFanOut::Loss{xray->lost(), "the system did not take the datagram"}; }});
  }
  if (otlp != nullptr) {
    auto& sink = otlp->sink();
    out.push_back({"OTLP", sink, [&sink] { return TraceFanOut::Loss{sink.lost(), sink.last_loss()}; }});
  }
  return out;
}

}  // namespace

struct ServeTraces::Parts {
  Parts(const config::Settings& settings, ports::Clock& clock, ports::Random& random, ports::Logger& logger)
      : xray(open_xray(settings, random, logger)),
        otlp(start_otlp(settings, clock, random, logger)),
        fan_out(exporters_of(xray.get(), otlp.get()), random, clock, logger),
        requests(fan_out),
        log(logger, settings.server.domain) {}

  std::unique_ptr<xray::UdpTraceSink> xray;
  std::unique_ptr<OtlpThread> otlp;
  TraceFanOut fan_out;
  server::RequestTraces requests;
  server::RequestLog log;
};

ServeTraces::ServeTraces(const config::Settings& settings, ports::Clock& clock, ports::Random& random,
                         ports::Logger& logger)
    : parts_(std::make_unique<Parts>(settings, clock, random, logger)) {}

ServeTraces::~ServeTraces() = default;

ports::TraceSink& ServeTraces::sink() { return parts_->fan_out; }

std::vector<server::RequestObserver*> ServeTraces::observers() {
  if (!parts_->xray && !parts_->otlp) return {&parts_->log};
  return {&parts_->requests, &parts_->log};
}

std::vector<ServeTraces::Loss> ServeTraces::losses() const {
  std::vector<Loss> out;
  if (parts_->xray) out.push_back({"xray", parts_->xray->lost()});
  if (parts_->otlp) out.push_back({"otlp", parts_->otlp->sink().lost()});
  return out;
}

void ServeTraces::stop() {
  if (parts_->otlp) parts_->otlp->stop();
  parts_->fan_out.report_losses();
}

}  // namespace s3link::app
