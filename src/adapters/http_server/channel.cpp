#include "adapters/http_server/channel.hpp"

#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>

namespace s3link::http_server {

namespace {
constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// Holds the head of a signed S3 request and a small body; untouched pages of it cost nothing.
constexpr std::size_t kFirstBuffer = 8 * 1024;
}  // namespace

// Sets the deadline while an operation is under way.
class Channel::Deadline {
 public:
  Deadline(Channel& channel, SteadyTime when) : channel_(channel) { channel_.deadline_ = when; }
  ~Deadline() { channel_.deadline_ = SteadyTime::max(); }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  Channel& channel_;
};

Channel::Channel(tcp::socket socket, std::shared_ptr<asio::ssl::context> tls, std::size_t max_buffer_bytes)
    : socket_(std::move(socket)), tls_context_(std::move(tls)), max_buffer_bytes_(max_buffer_bytes) {
  if (tls_context_) tls_.emplace(socket_, *tls_context_);
}

template <class Buffer>
Awaitable<std::tuple<boost::system::error_code, std::size_t>> Channel::read_some(Buffer buffer) {
  return tls_ ? tls_->async_read_some(buffer, kToken) : socket_.async_read_some(buffer, kToken);
}

Awaitable<std::tuple<boost::system::error_code, std::size_t>> Channel::write_some(
    std::array<asio::const_buffer, 2> buffers) {
  return tls_ ? tls_->async_write_some(buffers, kToken) : socket_.async_write_some(buffers, kToken);
}

Outcome Channel::outcome_of(const boost::system::error_code& error) const noexcept {
  if (!error) return Outcome::done;
  if (error == asio::error::operation_aborted && expired_) return Outcome::timed_out;
  if (error == asio::error::eof || error == asio::ssl::error::stream_truncated) return Outcome::closed;
  return Outcome::failed;
}

Awaitable<Outcome> Channel::handshake(SteadyTime deadline) {
  const Deadline guard(*this, deadline);
  const auto [error] = co_await tls_->async_handshake(asio::ssl::stream_base::server, kToken);
  co_return outcome_of(error);
}

std::string Channel::tls_version() { return tls_ ? SSL_get_version(tls_->native_handle()) : ""; }

std::string Channel::tls_cipher() { return tls_ ? SSL_get_cipher_name(tls_->native_handle()) : ""; }

bool Channel::input_waits() const noexcept {
  boost::system::error_code ignored;
  return socket_.available(ignored) > 0;
}

void Channel::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (capacity_ == 0) {
    capacity_ = std::min(kFirstBuffer, max_buffer_bytes_);
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
  }
  if (end_ < capacity_) return;
  if (begin_ > 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, end_ - begin_);
  } else {
    const std::size_t larger = std::min(capacity_ * 2, max_buffer_bytes_);
    auto moved = std::make_unique_for_overwrite<char[]>(larger);
    std::memcpy(moved.get(), buffer_.get(), end_);
    buffer_ = std::move(moved);
    capacity_ = larger;
  }
  end_ -= begin_;
  begin_ = 0;
}

Awaitable<Outcome> Channel::fill(SteadyTime deadline) {
  make_room();
  const Deadline guard(*this, deadline);
  const auto [error, count] = co_await read_some(asio::buffer(buffer_.get() + end_, capacity_ - end_));
  end_ += count;
  co_return count > 0 ? Outcome::done : outcome_of(error);
}

Awaitable<Outcome> Channel::read(std::span<std::byte> out, Pace& pace) {
  const std::size_t ready = std::min(out.size(), end_ - begin_);
  if (ready > 0) std::memcpy(out.data(), buffer_.get() + begin_, ready);
  begin_ += ready;
  out = out.subspan(ready);

  const Deadline guard(*this, pace.deadline());
  while (!out.empty()) {
    const auto [error, count] = co_await read_some(asio::buffer(out.data(), out.size()));
    if (error && count == 0) co_return outcome_of(error);
    out = out.subspan(count);
    pace.note(count);
    deadline_ = pace.deadline();
  }
  co_return Outcome::done;
}

Awaitable<std::size_t> Channel::discard_some(std::span<std::byte> scratch, SteadyTime deadline) {
  begin_ = end_ = 0;
  const Deadline guard(*this, deadline);
  // Past TLS: after our close_notify what comes is of no interest, and need not be decrypted.
  const auto [error, count] = co_await socket_.async_read_some(asio::buffer(scratch.data(), scratch.size()), kToken);
  co_return error ? 0 : count;
}

Awaitable<Outcome> Channel::write(std::string_view first, std::span<const std::byte> second,
                                  std::chrono::milliseconds timeout) {
  std::array<asio::const_buffer, 2> left = {asio::buffer(first.data(), first.size()),
                                            asio::buffer(second.data(), second.size())};
  const Deadline guard(*this, std::chrono::steady_clock::now() + timeout);
  while (true) {
    auto [error, count] = co_await write_some(left);
    for (auto& buffer : left) {
      const std::size_t sent = std::min(count, buffer.size());
      buffer += sent;
      count -= sent;
    }
    if (left[0].size() + left[1].size() == 0) co_return Outcome::done;
    if (error) co_return outcome_of(error);
    deadline_ = std::chrono::steady_clock::now() + timeout;
  }
}

Awaitable<void> Channel::shut_down(SteadyTime deadline) {
  if (tls_) {
    const Deadline guard(*this, deadline);
    co_await tls_->async_shutdown(kToken);
  }
  boost::system::error_code ignored;
  socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Channel::close() noexcept {
  awaits_request = false;
  worth = Worth::busy;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void Channel::expire(SteadyTime now) noexcept {
  if (now < deadline_) return;
  deadline_ = SteadyTime::max();
  expired_ = true;
  boost::system::error_code ignored;
  socket_.cancel(ignored);
}

}  // namespace s3link::http_server
