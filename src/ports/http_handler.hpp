#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// Header fields in the order received or to be sent; names keep their case, and compare ignoring it.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

/// The first field of that name, or null.
const std::string* find_field(const HttpFields& fields, std::string_view name) noexcept;

/// The head of a request, as it came: nothing decoded, nothing merged.
struct HttpRequestHead {
  std::string method;
  std::string target;  ///< the request target: path and query, still encoded
  HttpFields fields;
  std::string remote_address;    ///< "127.0.0.1", without port
  bool secure = false;           ///< came over TLS
  std::string tls_version = {};  ///< "TLSv1.3"; empty: not over TLS
  std::string tls_cipher = {};   ///< OpenSSL's name: "TLS_AES_256_GCM_SHA384"
};

/// The body of a request on its way in. Thread safety: one call at a time.
class HttpRequestBody {
 public:
  virtual ~HttpRequestBody() = default;

  /// From Content-Length; empty for Transfer-Encoding: chunked. 0 when there is no body.
  virtual std::optional<std::uint64_t> declared_length() const = 0;
  /// The next piece, at most 256 KiB, HTTP chunking removed; empty at the end. Valid until the next call.
  /// The first call sends "100 Continue" where the client expects it (RFC 9110 §10.1.1): authenticate before.
  /// Errors: invalid_argument (the client closed early: code IncompleteBody; bad chunking), transient (the client is
  /// too slow: code RequestTimeout).
  virtual Awaitable<Result<std::span<const std::byte>>> read() = 0;
};

/// The response on its way out. Thread safety: one call at a time.
class HttpResponseWriter {
 public:
  virtual ~HttpResponseWriter() = default;

  /// Sends the status line and fields, and Content-Length. Connection, Date and Server are added by the server. Call
  /// once. `length` is the body's (for HEAD: what GET would have; nothing is sent then). For 204 and 304 no length is
  /// sent.
  virtual Awaitable<Status> head(unsigned status, HttpFields fields, std::uint64_t length) = 0;
  /// The head and a short body together, in one segment where it fits.
  virtual Awaitable<Status> whole(unsigned status, HttpFields fields, std::string body) = 0;
  /// The next piece of the body announced by head(). Returns when it was handed to the socket.
  /// Errors: transient (the client is gone or too slow); the connection is closed then.
  virtual Awaitable<Status> write(std::span<const std::byte> data) = 0;
};

/// Answers requests; called by the HTTP server for each, on that connection's executor.
/// Thread safety: any number of calls at a time, from several threads. Must outlive the server.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;

  /// Answers exactly once. What it leaves unread of the body makes the server drain a bounded amount, or close the
  /// connection after the response.
  virtual Awaitable<void> handle(const HttpRequestHead& request, HttpRequestBody& body,
                                 HttpResponseWriter& response) = 0;
};

}  // namespace s3link::ports
