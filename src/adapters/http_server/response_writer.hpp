#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "adapters/http_server/channel.hpp"
#include "adapters/http_server/loop.hpp"
#include "adapters/http_server/request_body.hpp"
#include "ports/http_handler.hpp"

namespace s3link::http_server {

/// The S3 error document for an answer the server gives by itself.
std::string error_document(std::string_view code, std::string_view message);

/// The response to one request. The head waits for the first piece of the body, so that both leave together.
class ResponseWriter final : public ports::HttpResponseWriter {
 public:
  struct Request {
    bool head_only = false;   ///< HEAD: the body is not sent
    bool keep_alive = false;  ///< the client would send another request
  };

  /// `body` may be null: then the connection is closed after the response.
  ResponseWriter(Channel& channel, Loop& loop, const ServerOptions& options, Request request, const RequestBody* body);

  Awaitable<Status> head(unsigned status, ports::HttpFields fields, std::uint64_t length) override;
  Awaitable<Status> whole(unsigned status, ports::HttpFields fields, std::string body) override;
  Awaitable<Status> write(std::span<const std::byte> data) override;

  /// Nothing has been sent: another answer can still be given with replace().
  bool unsent() const noexcept { return state_ == State::none || state_ == State::head_held; }
  /// Everything announced has been sent.
  bool complete() const noexcept { return state_ == State::complete; }
  /// The client was told that the connection stays open.
  bool keeps_alive() const noexcept { return keep_alive_; }
  /// Answers with an error document in place of what was not sent yet; the connection is closed after it.
  Awaitable<void> replace(unsigned status, std::string_view code, std::string message);

 private:
  enum class State { none, head_held, sending, complete, broken };

  Status begin(unsigned status, const ports::HttpFields& fields, std::uint64_t length);
  Awaitable<Status> send(std::span<const std::byte> data);

  Channel& channel_;
  Loop& loop_;
  const ServerOptions& options_;
  Request request_;
  const RequestBody* body_;
  State state_ = State::none;
  bool keep_alive_ = false;
  std::string head_;
  std::uint64_t left_ = 0;  // of the body, to be sent
};

}  // namespace s3link::http_server
