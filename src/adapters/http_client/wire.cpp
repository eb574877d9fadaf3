#include "adapters/http_client/wire.hpp"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>

namespace s3link::http_client {

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);

std::unexpected<Error> unreachable(const std::string& peer, const std::string& reason) {
  return fail(ErrorKind::transient, peer + ": " + reason, "connection");
}

}  // namespace

/// One look-up of a name. getaddrinfo() cannot be interrupted and may wait for a silent name server for longer than
/// anybody here: whoever has no more time leaves it behind, and it ends by itself.
struct Wire::LookUp {
  explicit LookUp(const asio::any_io_executor& executor)
      : resolver(executor), changed(executor, asio::steady_timer::time_point::max()) {}

  asio::ip::tcp::resolver resolver;
  asio::steady_timer changed;  // cancelled at the end, or to give up
  bool ended = false;
  boost::system::error_code error;
  asio::ip::tcp::resolver::results_type found;
};

Awaitable<Status> Wire::look_up(std::string host, std::uint16_t port) {
  const std::string peer = host + ':' + std::to_string(port);
  const auto look_up = std::make_shared<LookUp>(socket_.get_executor());
  look_up_ = look_up;
  boost::system::error_code not_an_address;
  if (const auto address = asio::ip::make_address(host, not_an_address); !not_an_address) {
    look_up->found = asio::ip::tcp::resolver::results_type::create(asio::ip::tcp::endpoint(address, port), host, "");
    co_return Status{};
  }
  look_up->resolver.async_resolve(host, std::to_string(port),
                                  [look_up](const boost::system::error_code& error, auto found) {
                                    look_up->ended = true;
                                    look_up->error = error;
                                    look_up->found = std::move(found);
                                    look_up->changed.cancel();
                                  });
  const auto cancellation = co_await asio::this_coro::cancellation_state;
  while (!look_up->ended && !closed_ && cancellation.cancelled() == asio::cancellation_type::none) {
    co_await look_up->changed.async_wait(kToken);
  }
  if (!look_up->ended) {
    look_up->resolver.cancel();  // where it waits for the one before it, it need not begin
    co_return unreachable(peer, "the look-up of the name was given up");
  }
  if (look_up->error) co_return unreachable(peer, look_up->error.message());
  co_return Status{};
}

Awaitable<Status> Wire::connect(std::string host, std::uint16_t port, asio::ssl::context* tls) {
  const std::string peer = host + ':' + std::to_string(port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);

  if (auto found = co_await look_up(host, port); !found) co_return found;
  if (closed_) co_return unreachable(peer, "given up");
  const auto [error, endpoint] = co_await asio::async_connect(socket_, look_up_->found, kToken);
  if (error || closed_) co_return unreachable(peer, error.message());
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  if (tls == nullptr) co_return Status{};
  co_return co_await shake_hands(host, *tls);
}

Awaitable<Status> Wire::shake_hands(std::string host, asio::ssl::context& tls) {
  tls_.emplace(socket_, tls);
  SSL* const ssl = tls_->native_handle();
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  // RFC 6066 §3: a server name is never an address.
  const bool named = static_cast<bool>(not_an_address);
  const int prepared = named ? SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1
                             : X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  if (prepared != 1) co_return fail(ErrorKind::invalid_argument, host + ": not a host name", "connection");

  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::client, kToken);
  if (!error) co_return Status{};
  if (const long verified = SSL_get_verify_result(ssl); verified != X509_V_OK) {
    co_return fail(ErrorKind::denied, host + ": certificate: " + X509_verify_cert_error_string(verified), "connection");
  }
  co_return unreachable(host, "TLS: " + error.message());
}

Awaitable<Wire::IoResult> Wire::read_some(std::span<char> out) {
  const auto buffer = asio::buffer(out.data(), out.size());
  return tls_ ? tls_->async_read_some(buffer, kToken) : socket_.async_read_some(buffer, kToken);
}

Awaitable<Wire::IoResult> Wire::write(std::span<const std::byte> data, std::span<const std::byte> more) {
  const std::array buffers = {asio::const_buffer(data.data(), data.size()),
                              asio::const_buffer(more.data(), more.size())};
  return tls_ ? asio::async_write(*tls_, buffers, kToken) : asio::async_write(socket_, buffers, kToken);
}

bool Wire::fresh() {
  char byte = 0;
  const auto count = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void Wire::cancel() noexcept {
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

void Wire::close() noexcept {
  closed_ = true;
  if (look_up_) look_up_->changed.cancel();
  boost::system::error_code ignored;
  socket_.close(ignored);
}

}  // namespace s3link::http_client
