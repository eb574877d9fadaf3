#include "adapters/system/service_notifier.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <utility>

namespace s3link::system {
namespace {

constexpr timeval kSendTimeout{.tv_sec = 5, .tv_usec = 0};

std::optional<std::uint64_t> parse_number(const char* text) {
  if (text == nullptr) return std::nullopt;
  std::uint64_t value = 0;
  const std::string_view all(text);
  const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
  if (error != std::errc{} || end != all.data() + all.size()) return std::nullopt;
  return value;
}

std::optional<std::chrono::microseconds> watchdog_of(const ServiceNotifier::Environment& environment) {
  const auto period = parse_number(environment("WATCHDOG_USEC"));
  if (!period || *period == 0) return std::nullopt;
  // Meant for another process, whose environment we have inherited.
  if (environment("WATCHDOG_PID") != nullptr &&
      parse_number(environment("WATCHDOG_PID")) != static_cast<std::uint64_t>(::getpid())) {
    return std::nullopt;
  }
  return std::chrono::microseconds(*period);
}

/// One line: what follows a line end would be another assignment.
std::string one_line(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(out, [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
  return out;
}

std::uint64_t monotonic_usec() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return (static_cast<std::uint64_t>(now.tv_sec) * 1'000'000) + (static_cast<std::uint64_t>(now.tv_nsec) / 1'000);
}

}  // namespace

Result<ServiceNotifier> ServiceNotifier::open(const Environment& environment) {
  const char* const name = environment("NOTIFY_SOCKET");
  if (name == nullptr || *name == '\0') return ServiceNotifier();
  std::string address(name);
  if (address.front() != '/' && address.front() != '@') {
    return fail(ErrorKind::invalid_argument, fmt::format("NOTIFY_SOCKET: {} is no path and no \"@name\"", address));
  }
  if (address.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(ErrorKind::invalid_argument, "NOTIFY_SOCKET: longer than the address of a socket can be");
  }
  if (address.front() == '@') address.front() = '\0';
  const int socket = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) {
    return fail(ErrorKind::internal, fmt::format("no socket for NOTIFY_SOCKET: {}", std::strerror(errno)));
  }
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &kSendTimeout, sizeof kSendTimeout);
  return ServiceNotifier(socket, std::move(address), watchdog_of(environment));
}

ServiceNotifier::ServiceNotifier(ServiceNotifier&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), address_(std::move(other.address_)), watchdog_(other.watchdog_) {}

ServiceNotifier::~ServiceNotifier() {
  if (socket_ >= 0) ::close(socket_);
}

Status ServiceNotifier::ready(std::string_view status) const {
  return send(fmt::format("READY=1\nSTATUS={}\n", one_line(status)));
}

Status ServiceNotifier::reloading() const {
  // The time lets a manager of version 253 or newer (Type=notify-reload) tell this reload from an earlier one.
  return send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading settings again\n", monotonic_usec()));
}

Status ServiceNotifier::stopping(std::string_view status) const {
  return send(fmt::format("STOPPING=1\nSTATUS={}\n", one_line(status)));
}

Status ServiceNotifier::status(std::string_view status) const {
  return send(fmt::format("STATUS={}\n", one_line(status)));
}

Status ServiceNotifier::alive() const { return send("WATCHDOG=1\n"); }

Status ServiceNotifier::send(std::string_view lines) const {
  if (!listened_to()) return {};
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(static_cast<char*>(to.sun_path), address_.data(), address_.size());
  // An abstract name is as long as it is said to be; a path ends with its NUL.
  const bool abstract = address_.front() == '\0';
  const auto length =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size() + static_cast<std::size_t>(!abstract));
  ssize_t sent = -1;
  do {
    sent = ::sendto(socket_, lines.data(), lines.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), length);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return {};
  const bool late = errno == EAGAIN || errno == EWOULDBLOCK;
  return fail(late ? ErrorKind::transient : ErrorKind::internal,
              fmt::format("the service manager was not told: {}", std::strerror(errno)));
}

}  // namespace s3link::system
