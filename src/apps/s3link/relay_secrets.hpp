#pragma once

#include <boost/asio/io_context.hpp>
#include <memory>

#include "adapters/smtp/relay.hpp"
#include "apps/s3link/configuration.hpp"
#include "ports/clock.hpp"
#include "ports/login_secrets.hpp"

namespace s3link::app {

/// How the relay of the link mails is spoken to; and that of alarm.transport. Both name one.
smtp::RelaySettings relay_settings(const config::Settings& settings);
smtp::RelaySettings alarm_relay_settings(const config::Settings& settings);

/// What we log in with at the relays: passwords, read again from their files when a relay refuses them, or tokens.
/// Thread safety: use() from any thread; the rest on the context's, or before it runs. The context must outlive it.
class RelaySecrets {
 public:
  RelaySecrets(const config::Settings& settings, const NamedSecrets& secrets, asio::io_context& context,
               ports::Clock& clock);
  RelaySecrets(const RelaySecrets&) = delete;
  RelaySecrets& operator=(const RelaySecrets&) = delete;
  ~RelaySecrets();

  /// For email.transport. Null: nobody is to log in.
  ports::LoginSecrets* links() noexcept;
  /// For the relay that the alarms leave by.
  ports::LoginSecrets* alarms() noexcept;
  /// Others, from now on.
  void use(const NamedSecrets& fresh);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace s3link::app
