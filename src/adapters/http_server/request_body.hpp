#pragma once

#include <cstdint>
#include <memory>

#include "adapters/http_server/channel.hpp"
#include "adapters/http_server/chunked_decoder.hpp"
#include "adapters/http_server/loop.hpp"
#include "adapters/http_server/request_head.hpp"
#include "ports/http_handler.hpp"

namespace s3link::http_server {

/// The body of one request, read from its channel as it is asked for: what follows it stays for the next request.
class RequestBody final : public ports::HttpRequestBody {
 public:
  RequestBody(Channel& channel, Loop& loop, const ServerOptions& options, Framing framing);

  std::optional<std::uint64_t> declared_length() const override;
  Awaitable<Result<std::span<const std::byte>>> read() override;

  /// All of it was read: the next request can follow.
  bool complete() const noexcept { return framing_.chunked ? decoder_.done() : left_ == 0; }
  /// Whether drain() may succeed: the rest is known to be short, and the client does not wait to be asked for it.
  bool drainable() const noexcept;
  /// Reads and drops the rest; false when that failed, or took longer than until `limit`, or than `window` for
  /// kMinProgressBytes.
  Awaitable<bool> drain(std::chrono::milliseconds window, SteadyTime limit);

 private:
  Awaitable<Result<std::span<const std::byte>>> read_fixed();
  Awaitable<Result<std::span<const std::byte>>> read_chunked();
  std::unexpected<Error> broken(Outcome outcome);

  Channel& channel_;
  Loop& loop_;
  const ServerOptions& options_;
  Framing framing_;
  std::uint64_t left_;  // of a body with Content-Length
  ChunkedDecoder decoder_;
  bool continue_due_;
  std::chrono::milliseconds window_;
  SteadyTime limit_ = SteadyTime::max();
  std::optional<Error> failure_;
  Piece piece_;  // taken with the first read that needs it
};

}  // namespace s3link::http_server
