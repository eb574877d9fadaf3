#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/http_server/address_counts.hpp"
#include "adapters/http_server/channel.hpp"
#include "adapters/http_server/server.hpp"

namespace s3link::http_server {

/// What all threads of one server share.
struct Shared {
  Shared(ServerOptions&& given, ports::HttpHandler& answers, ports::Logger& log)
      : options(std::move(given)),
        handler(answers),
        logger(log),
        addresses(options.max_connections_per_address, options.trusted_proxies) {}

  const ServerOptions options;
  ports::HttpHandler& handler;
  ports::Logger& logger;

  std::atomic<std::size_t> connections = 0;
  // As in Server::Tally.
  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> closed_for_room = 0;
  std::atomic<std::uint64_t> over_address_limit = 0;
  std::atomic<std::uint64_t> accept_failures = 0;
  std::atomic<std::uint64_t> refused_requests = 0;
  std::mutex mutex;                    // with all_closed
  std::condition_variable all_closed;  // notified when connections becomes 0
  AddressCounts addresses;

  /// The acceptor waits for a free slot: whoever gives one back calls `room_made`.
  std::atomic<bool> full = false;
  std::function<void()> room_made = [] {};
};

class Loop;

/// A buffer for a body on its way through, given back to its loop at the end.
class Piece {
 public:
  Piece() = default;
  Piece(Piece&& other) noexcept
      : loop_(std::exchange(other.loop_, nullptr)), bytes_(std::move(other.bytes_)), size_(other.size_) {}
  Piece& operator=(Piece&& other) noexcept;
  ~Piece() { release(); }

  explicit operator bool() const noexcept { return bytes_ != nullptr; }
  std::span<std::byte> bytes() const noexcept { return {bytes_.get(), size_}; }

 private:
  friend class Loop;
  Piece(Loop& loop, std::unique_ptr<std::byte[]> bytes, std::size_t size) noexcept
      : loop_(&loop), bytes_(std::move(bytes)), size_(size) {}
  void release() noexcept;

  Loop* loop_ = nullptr;
  std::unique_ptr<std::byte[]> bytes_;
  std::size_t size_ = 0;
};

/// One thread's io_context, with what its connections share without locks.
/// Thread safety: the loop's thread only, but for `context` and `load`.
class Loop {
 public:
  explicit Loop(const ServerOptions& options);

  using Registration = std::list<Channel*>::iterator;
  Registration add(Channel& channel);
  void remove(Registration registration) noexcept;

  /// Idle connections end now, others after their current response.
  void stop_gently() noexcept;
  bool stopping() const noexcept { return stopping_; }
  /// Fails every operation under way.
  void close_all() noexcept;
  /// Closes up to `count` connections to make room: those of the least worth, of equal ones those that have been so
  /// longest. Returns how many.
  std::size_t make_room(std::size_t count);

  /// The Date field's value now.
  std::string_view date();

  /// 256 KiB for the first 32 at a time, 32 KiB for the others: thousands of uploads at once need no gigabyte.
  Piece take_piece();

 private:
  friend class Piece;

  void watch_deadlines();

  // Before the context, whose destructor ends the coroutines that use them.
  std::list<Channel*> channels_;
  std::vector<std::unique_ptr<std::byte[]>> spare_pieces_;  // large ones, for reuse
  std::size_t large_pieces_out_ = 0;
  std::string date_;
  std::int64_t date_second_ = -1;
  std::chrono::milliseconds tick_;
  bool ticking_ = false;
  bool stopping_ = false;
  std::size_t leaving_ = 0;  // closed to make room, and not gone yet

 public:
  std::atomic<std::size_t> load = 0;  ///< connections handed to this loop
  asio::io_context context{1};

 private:
  asio::steady_timer timer_{context};
};

}  // namespace s3link::http_server
