#include "adapters/http_server/request_body.hpp"

#include <algorithm>

#include "core/base/encoding.hpp"

namespace s3link::http_server {

namespace {
// A rest up to this is read after an early answer, so that the connection lives on.
constexpr std::uint64_t kMaxDrain = 256 * 1024;
}  // namespace

RequestBody::RequestBody(Channel& channel, Loop& loop, const ServerOptions& options, Framing framing)
    : channel_(channel),
      loop_(loop),
      options_(options),
      framing_(framing),
      left_(framing.content_length),
      continue_due_(framing.expects_continue),
      window_(options.body_timeout) {}

std::optional<std::uint64_t> RequestBody::declared_length() const {
  if (framing_.chunked) return std::nullopt;
  return framing_.content_length;
}

Awaitable<Result<std::span<const std::byte>>> RequestBody::read() {
  if (failure_) co_return std::unexpected(*failure_);
  // RFC 9110 §10.1.1: not needed when some of the body is here already.
  if (std::exchange(continue_due_, false) && channel_.buffered().empty()) {
    const Outcome outcome = co_await channel_.write("HTTP/1.1 100 Continue\r\n\r\n", {}, options_.write_timeout);
    if (outcome != Outcome::done) co_return broken(outcome);
  }
  if (complete()) co_return std::span<const std::byte>();
  if (framing_.chunked) co_return co_await read_chunked();
  co_return co_await read_fixed();
}

Awaitable<Result<std::span<const std::byte>>> RequestBody::read_fixed() {
  const auto buffered = channel_.buffered();
  if (buffered.size() >= left_) {
    const auto rest = as_bytes(buffered.substr(0, static_cast<std::size_t>(left_)));
    channel_.consume(rest.size());
    left_ = 0;
    co_return rest;
  }
  if (!piece_) piece_ = loop_.take_piece();
  const auto room = piece_.bytes();
  const auto out = room.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, room.size())));
  Pace pace(window_, limit_);
  const Outcome outcome = co_await channel_.read(out, pace);
  if (outcome != Outcome::done) co_return broken(outcome);
  left_ -= out.size();
  co_return out;
}

Awaitable<Result<std::span<const std::byte>>> RequestBody::read_chunked() {
  if (!piece_) piece_ = loop_.take_piece();
  const auto room = piece_.bytes();
  std::size_t filled = 0;
  Pace pace(window_, limit_);
  while (true) {
    const auto used = decoder_.skip_framing(channel_.buffered());
    if (!used) {
      failure_ = used.error();
      co_return std::unexpected(used.error());
    }
    channel_.consume(*used);
    if (decoder_.done() || filled == room.size()) break;
    if (const std::uint64_t data = decoder_.data_left(); data > 0) {
      const auto out =
          room.subspan(filled, static_cast<std::size_t>(std::min<std::uint64_t>(data, room.size() - filled)));
      const Outcome outcome = co_await channel_.read(out, pace);
      if (outcome != Outcome::done) co_return broken(outcome);
      decoder_.take_data(out.size());
      filled += out.size();
      continue;
    }
    const Outcome outcome = co_await channel_.fill(pace.deadline());
    if (outcome != Outcome::done) co_return broken(outcome);
  }
  co_return room.first(filled);
}

std::unexpected<Error> RequestBody::broken(Outcome outcome) {
  failure_ = outcome == Outcome::timed_out
                 ? Error{ErrorKind::transient, "The body came too slowly.", "RequestTimeout"}
                 : Error{ErrorKind::invalid_argument, "The connection ended before the body did.", "IncompleteBody"};
  return std::unexpected(*failure_);
}

bool RequestBody::drainable() const noexcept {
  return !failure_ && !continue_due_ && (complete() || (!framing_.chunked && left_ <= kMaxDrain));
}

Awaitable<bool> RequestBody::drain(std::chrono::milliseconds window, SteadyTime limit) {
  window_ = window;
  limit_ = limit;
  while (!complete()) {
    const auto piece = co_await read();
    if (!piece) co_return false;
  }
  co_return true;
}

}  // namespace s3link::http_server
