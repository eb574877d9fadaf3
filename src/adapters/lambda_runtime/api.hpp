#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"
#include "ports/http_client.hpp"
#include "ports/invocation_handler.hpp"

namespace s3link::lambda_runtime {

/// What an invocation came to, on its way to the API.
struct Answer {
  std::string request_id;
  bool failed = false;
  std::string error_type;  ///< where it failed
  std::string body;        ///< JSON: the answer, or the error document
};

Answer success(std::string request_id, std::string body);
Answer failure(std::string request_id, const ports::InvocationError& error);

/// The Runtime API's requests, one function each.
class Api {
 public:
  /// `http` must outlive it.
  Api(ports::HttpClient& http, std::string host, std::uint16_t port)
      : http_(http), host_(std::move(host)), port_(port) {}

  /// GET …/invocation/next: waits for as long as it takes, and is ended by cancellation only.
  Awaitable<Result<ports::HttpClientResponse>> next();
  /// POST …/invocation/ID/response or …/error.
  Awaitable<Result<ports::HttpClientResponse>> answer(Answer answer);
  /// POST …/init/error.
  Awaitable<Result<ports::HttpClientResponse>> init_error(ports::InvocationError error);

 private:
  Awaitable<Result<ports::HttpClientResponse>> post(std::string target, ports::HttpFields fields, std::string body);
  ports::HttpClientRequest request(std::string method, std::string target) const;

  ports::HttpClient& http_;
  const std::string host_;
  const std::uint16_t port_;
};

/// The invocation that an answer to `next` holds; a deadline that cannot be read is Instant{}. Errors: invalid_argument
/// (no request id, or what cannot be one).
Result<ports::Invocation> read_invocation(ports::HttpClientResponse response);

}  // namespace s3link::lambda_runtime
