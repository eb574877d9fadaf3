#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "apps/s3link/server_access.hpp"
#include "core/base/result.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "ports/clock.hpp"
#include "ports/http_client.hpp"
#include "ports/random.hpp"

namespace s3link::app {

/// One request to the server before it is signed; paths and query are not encoded yet.
struct ApiRequest {
  std::string method = "GET";
  std::string path = {};  ///< "/bucket/key"
  sigv4::Fields query = {};
  ports::HttpFields fields = {};
  /// Makes the body anew for each attempt; empty: no body.
  std::function<std::unique_ptr<ports::HttpBodySource>()> body = {};
  std::uint64_t body_length = 0;
  std::string body_sha256 = {};  ///< hexadecimal; empty: of no body
};

/// Signed requests to our own server, repeated while the failure may pass.
/// Thread safety: that of its HttpClient. What it is made from must outlive it.
class ApiClient {
 public:
  ApiClient(const ServerAccess& access, std::string region, ports::HttpClient& http, ports::Clock& clock,
            ports::Random& random);

  /// One exchange, without repeating. Every answer is a value, whatever its status.
  /// Errors: the client's; where nothing answers, the message says how to start the server.
  Awaitable<Result<ports::HttpClientResponse>> exchange(ApiRequest request);

  /// The answer when it has a 2xx status. A transient failure (no connection, 429, 5xx) is repeated up to `attempts`
  /// times with growing waits; an outcome that is not known only when `repeatable`.
  /// Errors: the client's, or the S3 error: code and message as the server gave them.
  Awaitable<Result<ports::HttpClientResponse>> call(ApiRequest request, bool repeatable, unsigned attempts);

  /// By the clock the requests are signed with.
  Instant now() const { return clock_.now(); }

  /// An S3 error document, or one of our own API (JSON), as Error; `status` decides where there is none.
  static Error to_error(const ports::HttpClientResponse& response);

 private:
  const ServerAccess& access_;
  std::string region_;
  ports::HttpClient& http_;
  ports::Clock& clock_;
  ports::Random& random_;
};

/// Attempts of a request in the middle of something that has worked so far: about half a minute.
inline constexpr unsigned kPatient = 8;
/// Attempts of the first request: a server that does not run is reported at once.
inline constexpr unsigned kOnce = 1;

}  // namespace s3link::app
