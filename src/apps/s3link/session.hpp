#pragma once

#include <functional>
#include <optional>
#include <string>

#include "apps/s3link/api_client.hpp"
#include "apps/s3link/configuration.hpp"
#include "core/config/load.hpp"

namespace s3link::app {

/// What one run of an operator's command works with.
struct Session {
  const config::Settings& settings;  ///< of the sections server, auth and bucket
  const ServerAccess& access;
  ApiClient& api;
  ports::Clock& clock;
};

/// Finds the server and runs `work` until it ends or SIGINT or SIGTERM comes, which breaks it off at once and runs
/// `clean_up` (if any), for at most ten seconds; a second signal ends the process. Returns the exit status.
int run_session(const ClientOptions& options, const std::function<Awaitable<int>(Session&)>& work,
                const std::function<Awaitable<int>(Session&)>& clean_up = {});

}  // namespace s3link::app
