#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::system {

/// Tells the service manager how the service is: datagrams of "NAME=VALUE" lines to the socket that $NOTIFY_SOCKET
/// names. Source: sd_notify(3), which declares this protocol stable and open to implementations of one's own, and
/// sd_watchdog_enabled(3). Why not libsystemd: docs/decisions/0050-service-manager.md.
/// Thread safety: any number of calls at a time. Every call does nothing where no manager listens.
class ServiceNotifier {
 public:
  /// A variable's value; nullptr: it is not set.
  using Environment = std::function<const char*(const char* name)>;

  /// Reads NOTIFY_SOCKET (a path, or "@name" in the abstract namespace), WATCHDOG_USEC and WATCHDOG_PID.
  /// Errors: invalid_argument (an address that cannot be sent to), internal (no socket); where NOTIFY_SOCKET is not
  /// set there is no error, and nobody listens.
  static Result<ServiceNotifier> open(const Environment& environment);
  /// Nobody listens.
  ServiceNotifier() = default;
  ServiceNotifier(ServiceNotifier&& other) noexcept;
  ServiceNotifier& operator=(ServiceNotifier&&) = delete;
  ~ServiceNotifier();

  bool listened_to() const noexcept { return socket_ >= 0; }
  /// Within which the manager wants to hear alive() again, and else kills the process. Empty: it does not watch.
  std::optional<std::chrono::microseconds> watchdog() const noexcept { return watchdog_; }

  /// `status` is one line for people, shown by `systemctl status`. Errors of all of them: transient (not sent within
  /// five seconds), internal.
  Status ready(std::string_view status) const;
  /// Settings are being read again, until ready().
  Status reloading() const;
  Status stopping(std::string_view status) const;
  Status status(std::string_view status) const;
  /// All is well; wanted at least each watchdog().
  Status alive() const;

 private:
  ServiceNotifier(int socket, std::string address, std::optional<std::chrono::microseconds> watchdog)
      : socket_(socket), address_(std::move(address)), watchdog_(watchdog) {}
  Status send(std::string_view lines) const;

  int socket_ = -1;
  std::string address_;  ///< sun_path: a path, or a NUL and a name
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace s3link::system
