#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/sqlite_store/store.hpp"
#include "apps/s3link/configuration.hpp"
#include "ports/alarm_store.hpp"
#include "ports/awaitable.hpp"
#include "ports/clock.hpp"
#include "ports/logger.hpp"
#include "ports/login_secrets.hpp"
#include "ports/mail_sender.hpp"
#include "ports/random.hpp"
#include "services/pipeline/clock_guard.hpp"
#include "services/pipeline/relay_gate.hpp"
#include "services/pipeline/storage_watch.hpp"
#include "services/server/alarms.hpp"

namespace s3link::app {

/// What GET /_/api/v1/alarms shows under these settings.
server::AlarmsDocument alarms_document(const config::Settings& settings, ports::AlarmStore& store,
                                       const pipeline::RelayGate& relay, pipeline::ClockGuard& guard,
                                       const pipeline::StorageWatch& storage, ports::Clock& clock);

/// The alarm of `s3link serve`: what watches, and who is told. Everything passed to make() must outlive it, and the
/// context must run until what run() started has ended.
class ServeAlarm {
 public:
  /// `links` carries the link mails; alarms leave through it where they are files in the outbox folder, else through a
  /// relay session of their own, so that a hanging link mail does not hold them up. Not through `relay`, which is what
  /// is watched: a pause of the link mails keeps no alarm waiting. Takes the webhook's secret out of `files`.
  /// Errors: the outbox folder's.
  static Result<std::unique_ptr<ServeAlarm>> make(const config::Settings& settings, NamedFiles& files,
                                                  ports::LoginSecrets* relay_secrets, std::string public_url,
                                                  sqlite_store::Store& store, ports::MailSender& links,
                                                  pipeline::RelayGate& relay, pipeline::ClockGuard& guard,
                                                  pipeline::StorageWatch& storage, asio::io_context& context,
                                                  ports::Clock& clock, ports::Random& random, ports::Logger& logger);
  ServeAlarm(const ServeAlarm&) = delete;
  ServeAlarm& operator=(const ServeAlarm&) = delete;
  ~ServeAlarm();

  /// Hands the coroutines to be run to `add`, each with a name for logs.
  void run(const std::function<void(std::string_view name, Awaitable<void> work)>& add);
  void stop();

 private:
  struct Parts;
  explicit ServeAlarm(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace s3link::app
