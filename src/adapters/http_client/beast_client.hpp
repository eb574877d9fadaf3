#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

#include "adapters/http_client/trust.hpp"
#include "ports/http_client.hpp"

namespace s3link::http_client {

struct ClientOptions {
  Trust trust = {};
  /// Idle connections kept per peer, and how long.
  std::size_t max_idle_per_peer = 16;
  std::chrono::milliseconds idle_timeout = std::chrono::seconds(20);
};

/// HTTP/1.1 over TCP and TLS (1.2 and newer; the peer's certificate and host name are verified).
///
/// Connections are reused. A request that fails on a reused connection before any byte of the response is sent once
/// more on a new one, where that is safe: nothing of its body was taken from the source, and it has a body or an
/// idempotent method (RFC 9110 §9.2.2). With `Expect: 100-continue` in the fields the body waits for the interim
/// answer, up to 1 s. An answer that comes before the whole body was sent ends the sending.
class BeastClient final : public ports::HttpClient {
 public:
  /// `executor` must be a single thread or a strand; exchanges are awaited on it.
  explicit BeastClient(asio::any_io_executor executor, ClientOptions options = {});
  ~BeastClient() override;

  Awaitable<Result<ports::HttpClientResponse>> exchange(ports::HttpClientRequest request, ports::HttpBodySource* source,
                                                        std::chrono::milliseconds deadline) override;

  struct State;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace s3link::http_client
