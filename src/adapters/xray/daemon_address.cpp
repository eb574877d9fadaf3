#include "adapters/xray/daemon_address.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

namespace s3link::xray {

using boost::asio::ip::udp;

Result<udp::endpoint> resolve_daemon(const std::string& host, std::uint16_t port) {
  boost::system::error_code error;
  if (const auto address = boost::asio::ip::make_address(host, error); !error) return udp::endpoint(address, port);
  boost::asio::io_context context(1);
  udp::resolver resolver(context);
  const auto found = resolver.resolve(host, std::to_string(port), error);
  if (error || found.empty()) return fail(ErrorKind::transient, host + ": " + error.message());
  for (const auto& entry : found) {
    if (entry.endpoint().address().is_v4()) return entry.endpoint();
  }
  return found.begin()->endpoint();
}

Status probe_daemon(const std::string& host, std::uint16_t port, std::chrono::milliseconds wait) {
  const auto daemon = resolve_daemon(host, port);
  if (!daemon) return std::unexpected(daemon.error());
  boost::asio::io_context context(1);
  udp::socket socket(context);
  boost::system::error_code error;
  socket.open(daemon->protocol(), error);
  if (!error) socket.connect(*daemon, error);
  if (!error && ::send(socket.native_handle(), "", 0, MSG_NOSIGNAL) == 0) {
    pollfd wanted{.fd = socket.native_handle(), .events = POLLIN, .revents = 0};
    ::poll(&wanted, 1, static_cast<int>(wait.count()));
  }
  if (error) return fail(ErrorKind::transient, host + ": " + error.message());
  int refused = 0;
  socklen_t size = sizeof refused;
  ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_ERROR, &refused, &size);
  if (refused == 0) return {};
  return fail(ErrorKind::transient, host + ": " + boost::system::system_category().message(refused));
}

}  // namespace s3link::xray
