#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/ip_address.hpp"
#include "core/base/result.hpp"
#include "ports/http_handler.hpp"
#include "ports/logger.hpp"

namespace s3link::http_server {

/// PEM files: the certificate chain, server's certificate first, and its private key without passphrase.
struct TlsFiles {
  std::filesystem::path certificate;
  std::filesystem::path key;
};

struct ServerOptions {
  std::string host = "127.0.0.1";  ///< IPv4 or IPv6 address, or a name: its first address, IPv4 before IPv6
  std::uint16_t port = 0;          ///< 0: any free one, see Server::port()
  unsigned threads = 0;            ///< 0: one per core
  /// Over it, new ones wait in the kernel, and as many as wait there are closed of those that nobody would miss: that
  /// were refused, that have not sent a whole head yet, that are idle.
  unsigned max_connections = 4096;
  /// Of one address, but for loopback and trusted_proxies; more are closed unread. 0: no limit.
  unsigned max_connections_per_address = 0;
  /// Whose X-Forwarded-For and Forwarded name the client.
  std::vector<IpNetwork> trusted_proxies = {};
  std::optional<TlsFiles> tls = {};  ///< empty: plain HTTP

  std::size_t max_head_bytes = 16 * 1024;  ///< request line and fields; longer: 431
  /// From the first byte of a request to the end of its head, for the TLS handshake, and to the first byte of a
  /// connection. A late head: 408.
  std::chrono::milliseconds head_timeout = std::chrono::seconds(15);
  /// Between requests: longer than load balancers keep a connection (60 s as a rule), so that they are who ends it.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(75);
  /// In which at least kMinProgressBytes of a body must come, or its rest.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// How long what a client still sends after a refusal is read and dropped, so that it finds the answer and no broken
  /// connection; and in which kMinDrainBytes of that must come.
  std::chrono::milliseconds drain_timeout = std::chrono::seconds(30);
  std::chrono::milliseconds drain_window = std::chrono::seconds(2);
  /// In which the socket must take some bytes of a response.
  std::chrono::milliseconds write_timeout = std::chrono::seconds(30);
};

/// A client that sends less than this in body_timeout is too slow.
inline constexpr std::size_t kMinProgressBytes = 4096;
/// A refused client that sends less than this in drain_window is left, and one that sends more than this after all.
inline constexpr std::size_t kMinDrainBytes = std::size_t{64} * 1024;
inline constexpr std::uint64_t kMaxDrainBytes = std::uint64_t{512} * 1024 * 1024;

/// HTTP/1.1 and 1.0 over TCP or TLS (1.2 and newer), one io_context and thread per core.
///
/// What never reaches the handler: a head that is malformed, ambiguous in its framing (RFC 9112 §6.3), too long or too
/// slow. It is answered with an S3 error document, and the connection is closed.
/// Thread safety: every function from any thread.
class Server {
 public:
  /// Binds and listens; connections are accepted from run() on. The handler and the logger must outlive the server.
  /// Errors: invalid_argument (host or TLS files), conflict (the address is in use), denied (a port below 1024);
  /// the message names the configuration key.
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, ports::HttpHandler& handler,
                                                ports::Logger& logger);

  /// As stop(0 s).
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// The port listened on.
  std::uint16_t port() const noexcept;
  /// Starts the threads and returns. A second call does nothing.
  void run();
  /// Stops accepting, closes idle connections, gives requests in flight `grace` to end, then closes their connections.
  /// Returns when all threads have ended: a handler must come to its end when its connection fails; one that has not
  /// 10 s after that is abandoned. A second call returns at once. Not from one of the server's own threads.
  void stop(std::chrono::milliseconds grace);
  /// Reads the TLS files again; new connections use them. On an error (invalid_argument) the old ones stay in use.
  /// Without TLS: does nothing.
  Status reload_tls();
  /// Calls `answered`, from one of the server's threads, once every one of them has had its turn: for a watchdog.
  /// Never, where one does not come to it, or the server is stopped before. `answered` must return at once.
  void ask_threads(std::function<void()> answered);
  /// Connections open now.
  std::size_t connections() const noexcept;

  /// Since the start.
  struct Tally {
    std::uint64_t accepted = 0;            ///< connections
    std::uint64_t closed_for_room = 0;     ///< that nobody would miss, to make room for new ones
    std::uint64_t over_address_limit = 0;  ///< closed unread: their address had too many
    std::uint64_t accept_failures = 0;     ///< times the system had no descriptor or memory for a new one
    std::uint64_t refused_requests = 0;    ///< whose head never reached the handler
  };
  Tally tally() const noexcept;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace s3link::http_server
