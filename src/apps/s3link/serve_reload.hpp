#pragma once

#include "apps/s3link/configuration.hpp"
#include "core/config/load.hpp"
#include "ports/logger.hpp"

namespace s3link::http_server {
class Server;
}
namespace s3link::link {
class Mailer;
}
namespace s3link::sigv4 {
class KeyRing;
}
namespace s3link::pipeline {
class RelayGate;
}
namespace s3link::system {
class QueuedLogger;
}

namespace s3link::app {

class RelaySecrets;

/// What the port's level is called in the configuration.
ports::LogLevel log_level(config::LogLevel level);

/// What SIGHUP does: reads the configuration again for the log level and the mail templates, the TLS files, and the
/// passwords and OAuth secrets of the relays, and the access keys of data_dir/credentials. Each is taken over as a
/// whole or, where anything of it is wrong, left as it was; the log says which, and why. A relay that is paused is
/// tried at once: who reloads has mended something. Settings that have changed and need a restart are named in a
/// warning. Thread safety: one call at a time.
class ServeReload {
 public:
  /// `in_force` is what the server was started with. The references must outlive it.
  ServeReload(ConfigOptions options, const config::Loaded& in_force, NamedSecrets secrets, http_server::Server& server,
              link::Mailer& mailer, RelaySecrets& relay_secrets, sigv4::KeyRing& keys, pipeline::RelayGate& relay,
              system::QueuedLogger& logger)
      : options_(std::move(options)),
        in_force_(in_force),
        secrets_(std::move(secrets)),
        server_(server),
        mailer_(mailer),
        relay_secrets_(relay_secrets),
        keys_(keys),
        relay_(relay),
        logger_(logger) {}

  void run();

 private:
  void reload_level(const config::Loaded& fresh);
  void reload_templates(const config::Loaded& fresh);
  void reload_tls();
  void reload_secrets(const config::Loaded& settings);
  void reload_keys();
  void warn_of_the_rest(const config::Loaded& fresh);
  void report(std::string_view part, const std::vector<config::Problem>& problems);

  const ConfigOptions options_;
  const config::Loaded& in_force_;
  NamedSecrets secrets_;  ///< in force
  http_server::Server& server_;
  link::Mailer& mailer_;
  RelaySecrets& relay_secrets_;
  sigv4::KeyRing& keys_;
  pipeline::RelayGate& relay_;
  system::QueuedLogger& logger_;
};

}  // namespace s3link::app
