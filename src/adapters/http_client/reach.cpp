#include "adapters/http_client/reach.hpp"

#include <memory>
#include <utility>

#include "adapters/http_client/watch.hpp"
#include "adapters/http_client/wire.hpp"

namespace s3link::http_client {
namespace {

/// A wire says "HOST: what went wrong".
Error without_host(Error error) {
  if (const auto end = error.message.find(": "); end != std::string::npos) error.message.erase(0, end + 2);
  return error;
}

}  // namespace

Awaitable<Status> reach(asio::any_io_executor executor, bool https, std::string host, std::uint16_t port, Trust trust,
                        std::chrono::milliseconds deadline) {
  std::unique_ptr<asio::ssl::context> tls;
  if (https) {
    auto made = make_client_context(trust);
    if (!made) co_return std::unexpected(made.error());
    tls = std::move(*made);
  }
  Wire wire(executor);
  Watch watch(executor, deadline);
  watch.guard(&wire);
  const Status connected = co_await wire.connect(std::move(host), port, tls.get());
  if (!connected && watch.fired()) co_return fail(ErrorKind::transient, "no connection in time", "connection");
  if (!connected) co_return std::unexpected(without_host(connected.error()));
  co_return Status{};
}

}  // namespace s3link::http_client
