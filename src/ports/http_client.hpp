#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"
#include "ports/http_handler.hpp"

namespace s3link::ports {

/// One request to an http:// or https:// URL. The target is sent as given.
struct HttpClientRequest {
  std::string scheme = "https";
  std::string host;
  std::uint16_t port = 443;
  std::string method;
  std::string target;  ///< path and query, encoded
  HttpFields fields;   ///< with Host; without Content-Length
  std::uint64_t body_length = 0;
};

/// Gives the request's body piece by piece. Thread safety: one call at a time.
class HttpBodySource {
 public:
  virtual ~HttpBodySource() = default;
  /// The next piece, empty at the end; the sum is body_length. An error ends the exchange and is returned from it.
  virtual Awaitable<Result<std::span<const std::byte>>> next() = 0;
};

struct HttpClientResponse {
  unsigned status = 0;
  HttpFields fields;
  std::string body;
};

/// One HTTPS exchange with a deadline. Connections are kept and reused where the peer allows.
/// Thread safety: calls from the executor it was made on; any number at a time.
class HttpClient {
 public:
  virtual ~HttpClient() = default;

  /// The whole response; its body is bounded (8 MiB: over it is an error). `source` may be null when body_length is 0.
  /// Errors: transient (refused, reset, name not found, timeout), denied (certificate does not verify),
  /// invalid_argument (the peer does not speak HTTP). code is "connection" when nothing of the request can have been
  /// acted on, else "unknown".
  virtual Awaitable<Result<HttpClientResponse>> exchange(HttpClientRequest request, HttpBodySource* source,
                                                         std::chrono::milliseconds deadline) = 0;
};

}  // namespace s3link::ports
