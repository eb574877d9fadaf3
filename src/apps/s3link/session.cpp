#include "apps/s3link/session.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <exception>

#include "adapters/http_client/beast_client.hpp"
#include "adapters/system/system_clock.hpp"
#include "adapters/system/system_random.hpp"
#include "apps/s3link/exit_status.hpp"
#include "apps/s3link/process.hpp"

namespace s3link::app {
namespace {

using Work = std::function<Awaitable<int>(Session&)>;

/// Empty: a signal came, or the time was over.
std::optional<int> run_until_signal(const config::Settings& settings, const ServerAccess& access, const Work& work,
                                    std::optional<std::chrono::seconds> limit) {
  system::SystemClock clock;
  system::SystemRandom random;
  // Outlives the client; coroutines that were broken off are destroyed with it.
  asio::io_context context(1);
  http_client::BeastClient http(context.get_executor());
  ApiClient api(access, access.region, http, clock, random);
  Session session{settings, access, api, clock};

  asio::signal_set signals(context);
  if (!limit) {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    signals.async_wait([&](const boost::system::error_code& error, int) {
      if (!error) context.stop();
    });
  }
  std::optional<int> status;
  std::exception_ptr thrown;
  asio::co_spawn(context, work(session), [&](std::exception_ptr error, int result) {
    thrown = error;
    status = result;
    context.stop();
  });
  if (limit) {
    context.run_for(*limit);
  } else {
    context.run();
  }
  if (thrown) std::rethrow_exception(thrown);
  return status;
}

}  // namespace

int run_session(const ClientOptions& options, const Work& work, const Work& clean_up) {
  auto loaded = load_sections(options.config, {"server", "auth", "bucket"});
  if (!loaded) return report_problems(loaded.error());
  const config::Settings& settings = loaded->settings;
  const auto access = find_server(*loaded, options.endpoint);
  if (!access) return complain_of_access(access.error());

  const auto status = run_until_signal(settings, *access, work, std::nullopt);
  if (status) return *status;
  end_at_next_signal();
  if (clean_up) run_until_signal(settings, *access, clean_up, std::chrono::seconds(10));
  return kInterrupted;
}

}  // namespace s3link::app
