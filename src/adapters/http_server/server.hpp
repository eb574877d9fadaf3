#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

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
  std::string host = "127.0.0.1";    ///< IPv4 or IPv6 address, or a name: its first address, IPv4 before IPv6
  std::uint16_t port = 0;            ///< 0: any free one, see Server::port()
  unsigned threads = 0;              ///< 0: one per core
  unsigned max_connections = 4096;   ///< over it, new ones wait in the kernel and the longest idle ones are closed
  std::optional<TlsFiles> tls = {};  ///< empty: plain HTTP

  std::size_t max_head_bytes = 16 * 1024;  ///< request line and fields; longer: 431
  /// From the first byte of a request to the end of its head, and for the TLS handshake. Late: 408.
  std::chrono::milliseconds head_timeout = std::chrono::seconds(15);
  /// Between requests.
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(60);
  /// In which at least kMinProgressBytes of a body must come, or its rest.
  std::chrono::milliseconds body_timeout = std::chrono::seconds(30);
  /// In which the socket must take some bytes of a response.
  std::chrono::milliseconds write_timeout = std::chrono::seconds(30);
};

/// A client that sends less than this in body_timeout is too slow.
inline constexpr std::size_t kMinProgressBytes = 4096;

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
    std::uint64_t accepted = 0;          ///< connections
    std::uint64_t closed_for_room = 0;   ///< idle ones, to make room for new ones
    std::uint64_t accept_failures = 0;   ///< times the system had no descriptor or memory for a new one
    std::uint64_t refused_requests = 0;  ///< whose head never reached the handler
  };
  Tally tally() const noexcept;

 private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace s3link::http_server
