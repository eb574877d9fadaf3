#include "apps/bootstrap/process.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "adapters/http_client/beast_client.hpp"
#include "adapters/lambda_runtime/runtime.hpp"
#include "adapters/system/embedded_metrics.hpp"
#include "adapters/system/stream_logger.hpp"
#include "adapters/system/system_clock.hpp"
#include "adapters/system/system_random.hpp"
#include "adapters/xray/udp_trace_sink.hpp"
#include "apps/bootstrap/built_in_roots.hpp"
#include "apps/bootstrap/environment.hpp"
#include "apps/bootstrap/function_parts.hpp"

namespace s3link::bootstrap {

namespace {

using lambda_runtime::Runtime;
using lambda_runtime::RuntimeOptions;
using ports::LogLevel;

class NoTraces final : public ports::TraceSink {
 public:
  void emit(const trace::TraceContext& /*context*/, const trace::Segment& /*segment*/) override {}
};

/// The X-Ray daemon where there is one; a function is not kept from its work by a trace.
std::unique_ptr<xray::UdpTraceSink> open_traces(const std::optional<function::HostPort>& daemon, ports::Random& random,
                                                ports::Logger& logger) {
  if (!daemon) return nullptr;
  auto sink = xray::UdpTraceSink::open(daemon->host, daemon->port, random);
  if (sink) return std::move(*sink);
  logger.log(LogLevel::warning, "no traces", {{"error", sink.error().message}});
  return nullptr;
}

void report_losses(const xray::UdpTraceSink* traces, ports::Logger& logger) {
  if (traces == nullptr || traces->lost() == 0) return;
  logger.log(LogLevel::warning, "trace documents lost", {{"count", std::to_string(traces->lost())}});
}

system::EmbeddedMetrics make_metrics(const LogEnvironment& environment, int output) {
  system::EmbeddedMetricsOptions options{.name_space = "s3link", .dimensions = {}, .level = environment.metrics_level};
  if (!environment.function_name.empty()) options.dimensions = {{"FunctionName", environment.function_name}};
  return {std::move(options), output};
}

/// What ends a coroutine of the top: its result, or what it threw.
template <class T>
auto keep(std::optional<Result<T>>& out, asio::io_context& context) {
  return [&out, &context](const std::exception_ptr& thrown, Result<T> result) {
    try {
      if (thrown) std::rethrow_exception(thrown);
      out = std::move(result);
    } catch (const std::exception& exception) {
      out = fail(ErrorKind::internal, exception.what());
    }
    context.stop();
  };
}

void report(const std::vector<std::string>& problems, const RuntimeOptions& api, ports::Logger& logger) {
  std::string all;
  for (const std::string& problem : problems) all += (all.empty() ? "" : "; ") + problem;
  logger.log(LogLevel::error, "the function cannot start", {{"problems", all}});

  asio::io_context context(1);
  http_client::BeastClient http(context.get_executor());
  std::optional<Status> told;
  asio::co_spawn(context, lambda_runtime::report_init_error(api, http, {"s3link.InvalidConfiguration", all}),
                 keep(told, context));
  context.run();
  if (told && !*told) logger.log(LogLevel::error, "init error not reported", {{"error", told->error().message}});
}

Awaitable<Status> prepare_and_run(FunctionParts& parts, Runtime& runtime) {
  co_await parts.prepare();
  co_return co_await runtime.run();
}

[[noreturn]] void serve(Environment environment, const RuntimeOptions& api, ports::MetricSink& metrics,
                        ports::Logger& logger) {
  asio::io_context context(1);
  system::SystemClock clock;
  system::SystemRandom random;
  http_client::BeastClient http(context.get_executor(),
                                {.trust = {.ca_file = environment.ca_file, .built_in_roots = built_in_roots()}});
  const auto daemon = open_traces(environment.settings.xray_daemon, random, logger);
  NoTraces no_traces;
  ports::TraceSink& traces = daemon ? static_cast<ports::TraceSink&>(*daemon) : no_traces;
  FunctionParts parts(std::move(environment), http, clock, random, traces, metrics, logger);
  Runtime runtime(api, http, parts.function(), clock, logger);

  asio::signal_set signals(context, SIGTERM, SIGINT);
  signals.async_wait([&runtime](const boost::system::error_code& error, int /*signal*/) {
    if (!error) runtime.stop();
  });
  std::optional<Status> ended;
  asio::co_spawn(context, prepare_and_run(parts, runtime), keep(ended, context));
  context.run();
  report_losses(daemon.get(), logger);
  const bool stopped = ended && *ended;
  if (!stopped) {
    logger.log(LogLevel::error, "the runtime ended",
               {{"error", ended ? ended->error().message : "nothing left to do"}});
  }
  // Not by destructors: they would wait for a name that is being looked up, and a call that was given up may still be
  // using all of this.
  std::_Exit(stopped ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace

int run(const aws::Variables& variables, int output) {
  std::signal(SIGPIPE, SIG_IGN);
  const LogEnvironment log = read_log_environment(variables);
  system::StreamLogger logger(log.level, output);
  auto metrics = make_metrics(log, output);

  const auto api = runtime_api(variables);
  if (!api) {
    logger.log(LogLevel::error, "the function cannot start", {{"problems", api.error().message}});
    return EXIT_FAILURE;
  }
  const RuntimeOptions options{.host = api->host, .port = api->port};
  auto environment = read_environment(variables);
  if (!environment) {
    report(environment.error(), options, logger);
    return EXIT_FAILURE;
  }
  serve(std::move(*environment), options, metrics, logger);
}

}  // namespace s3link::bootstrap
