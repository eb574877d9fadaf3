#pragma once

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "adapters/http_server/server.hpp"
#include "ports/awaitable.hpp"

namespace s3link::http_server {

using tcp = asio::ip::tcp;
using SteadyTime = std::chrono::steady_clock::time_point;

/// How a read or write ended.
enum class Outcome {
  done,
  closed,     ///< the peer ended its side (reads only)
  failed,     ///< reset, or broken TLS
  timed_out,  ///< the deadline passed; the connection is of no further use but for a last answer
};

/// How long a body may take: at least kMinProgressBytes in each `timeout`, so that single bytes now and then do not do,
/// and never past `limit`.
class Pace {
 public:
  explicit Pace(std::chrono::milliseconds timeout, SteadyTime limit = SteadyTime::max())
      : timeout_(timeout), limit_(limit) {
    renew();
  }

  void note(std::size_t count) {
    progress_ += count;
    if (progress_ >= kMinProgressBytes) renew();
  }
  SteadyTime deadline() const noexcept { return deadline_; }

 private:
  void renew() {
    progress_ = 0;
    deadline_ = std::min(limit_, std::chrono::steady_clock::now() + timeout_);
  }

  std::chrono::milliseconds timeout_;
  SteadyTime limit_;
  std::size_t progress_ = 0;
  SteadyTime deadline_;
};

/// What would be lost with a connection that is closed to make room for others: the least first.
enum class Worth {
  refused,   ///< it was answered with a refusal, and what it still sends is dropped
  newcomer,  ///< it has not sent a whole head yet: silent, slow, or in the TLS handshake
  idle,      ///< it had answers, and its next request has not come whole
  busy,      ///< a request is being answered: it stays
};

/// One connection's bytes: TCP or TLS, a read buffer for heads and framing, and a deadline for the operation under way.
/// The deadline costs no timer: the loop looks at all channels of its thread from time to time (expire()).
/// Thread safety: the loop's thread only; one operation at a time.
class Channel {
 public:
  /// `tls` is empty for plain TCP. `max_buffer_bytes` bounds the read buffer.
  Channel(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls, std::size_t max_buffer_bytes);

  bool secure() const noexcept { return tls_.has_value(); }
  Awaitable<Outcome> handshake(SteadyTime deadline);
  /// After the handshake: "TLSv1.3", and the cipher by OpenSSL's name. Empty for plain TCP.
  std::string tls_version();
  std::string tls_cipher();

  /// What was read and not consumed yet. Valid until the next fill().
  std::string_view buffered() const noexcept { return {buffer_.get() + begin_, end_ - begin_}; }
  void consume(std::size_t count) noexcept { begin_ += count; }
  /// Whether fill() has room for more.
  bool can_fill() const noexcept { return end_ - begin_ < max_buffer_bytes_; }
  /// Something has come that was not read yet.
  bool input_waits() const noexcept;
  /// Waits for some more bytes in buffered().
  Awaitable<Outcome> fill(SteadyTime deadline);
  /// Fills the whole of `out`, first from buffered(), at that pace. `pace` must outlive the awaitable.
  Awaitable<Outcome> read(std::span<std::byte> out, Pace& pace);
  /// One read past the buffer, whatever comes; returns the bytes, 0 at any end.
  Awaitable<std::size_t> discard_some(std::span<std::byte> scratch, SteadyTime deadline);

  /// Sends both pieces, together where it can. In each `timeout` the socket must take something.
  Awaitable<Outcome> write(std::string_view first, std::span<const std::byte> second,
                           std::chrono::milliseconds timeout);

  /// TLS: says that nothing follows. Both: ends the sending side.
  Awaitable<void> shut_down(SteadyTime deadline);
  /// Ends everything at once: operations under way fail.
  void close() noexcept;

  /// Fails the operation under way if its deadline has passed. Called by the loop.
  void expire(SteadyTime now) noexcept;

  /// Set by the connection, read by the loop.
  Worth worth = Worth::newcomer;
  SteadyTime since = std::chrono::steady_clock::now();  ///< it is worth that
  bool awaits_request = false;                          ///< and nothing of it has come
  bool leaving = false;                                 ///< closed by the loop, to make room

 private:
  class Deadline;

  template <class Buffer>
  Awaitable<std::tuple<boost::system::error_code, std::size_t>> read_some(Buffer buffer);
  Awaitable<std::tuple<boost::system::error_code, std::size_t>> write_some(std::array<asio::const_buffer, 2> buffers);
  Outcome outcome_of(const boost::system::error_code& error) const noexcept;
  void make_room();

  tcp::socket socket_;
  std::shared_ptr<asio::ssl::context> tls_context_;
  std::optional<asio::ssl::stream<tcp::socket&>> tls_;

  std::unique_ptr<char[]> buffer_;  // allocated with the first fill
  std::size_t capacity_ = 0;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t max_buffer_bytes_;

  SteadyTime deadline_ = SteadyTime::max();  // of the operation under way
  bool expired_ = false;
};

}  // namespace s3link::http_server
