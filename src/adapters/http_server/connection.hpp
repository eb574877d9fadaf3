#pragma once

#include <memory>
#include <optional>
#include <string>

#include "adapters/http_server/channel.hpp"
#include "adapters/http_server/loop.hpp"
#include "adapters/http_server/request_head.hpp"

namespace s3link::http_server {

/// Counts a connection for as long as it lives: in the server, in its loop, and with its address.
class Slot {
 public:
  /// `counted`: its address, where that is limited, and has been let in by Shared::addresses.
  Slot(Shared& shared, Loop& loop, std::optional<IpAddress> counted) noexcept;
  Slot(Slot&& other) noexcept
      : shared_(std::exchange(other.shared_, nullptr)), loop_(other.loop_), counted_(other.counted_) {}
  ~Slot();

 private:
  Shared* shared_;
  Loop* loop_;
  std::optional<IpAddress> counted_;
};

/// Serves the requests of one connection, one after the other, until it ends. Runs on the loop's thread.
/// `tls` is empty for plain TCP. What is referred to must outlive the awaitable.
Awaitable<void> serve_connection(Shared& shared, Loop& loop, Slot slot, tcp::socket socket,
                                 std::shared_ptr<asio::ssl::context> tls);

}  // namespace s3link::http_server
