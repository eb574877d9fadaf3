#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::http_client {

/// One connection to a peer, TCP or TLS. Thread safety: one executor; one read and one write at a time.
class Wire {
 public:
  using IoResult = std::tuple<boost::system::error_code, std::size_t>;

  explicit Wire(asio::any_io_executor executor) : socket_(std::move(executor)) {}

  /// Resolves, connects, and with `tls` shakes hands: the peer's certificate must be valid for `host`.
  /// Errors: transient (name, refusal, reset), denied (certificate). `tls` must outlive this.
  Awaitable<Status> connect(std::string host, std::uint16_t port, asio::ssl::context* tls);

  Awaitable<IoResult> read_some(std::span<char> out);
  /// All of `data`, and all of `more` with it: one packet, one TLS record, where they are small.
  Awaitable<IoResult> write(std::span<const std::byte> data, std::span<const std::byte> more = {});

  /// Nothing came since the last answer, and the peer has not closed.
  bool fresh();
  /// Ends the operations under way; what has come can still be read over TCP and TLS.
  void cancel() noexcept;
  /// Ends everything.
  void close() noexcept;

 private:
  struct LookUp;

  Awaitable<Status> look_up(std::string host, std::uint16_t port);
  Awaitable<Status> shake_hands(std::string host, asio::ssl::context& tls);

  asio::ip::tcp::socket socket_;
  std::shared_ptr<LookUp> look_up_;
  std::optional<asio::ssl::stream<asio::ip::tcp::socket&>> tls_;
  bool closed_ = false;
};

}  // namespace s3link::http_client
