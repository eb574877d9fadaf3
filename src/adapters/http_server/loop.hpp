#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/http_server/channel.hpp"
#include "adapters/http_server/server.hpp"

namespace s3link::http_server {

/// What all threads of one server share.
struct Shared {
  Shared(ServerOptions&& given, ports::HttpHandler& answers, ports::Logger& log)
      : options(std::move(given)), handler(answers), logger(log) {}

  const ServerOptions options;
  ports::HttpHandler& handler;
  ports::Logger& logger;

  std::atomic<std::size_t> connections = 0;
  std::mutex mutex;                    // with all_closed
  std::condition_variable all_closed;  // notified when connections becomes 0
};

/// One thread's io_context, with what its connections share without locks.
/// Thread safety: the loop's thread only, but for `context` and `load`.
class Loop {
 public:
  explicit Loop(const ServerOptions& options);

  /// The largest piece of a body.
  static constexpr std::size_t kPieceBytes = 256 * 1024;

  using Registration = std::list<Channel*>::iterator;
  Registration add(Channel& channel);
  void remove(Registration registration) noexcept;

  /// Idle connections end now, others after their current response.
  void stop_gently() noexcept;
  bool stopping() const noexcept { return stopping_; }
  /// Fails every operation under way.
  void close_all() noexcept;
  /// Closes the connection that has been waiting longest for a request, to make room.
  void close_longest_idle() noexcept;

  /// The Date field's value now.
  std::string_view date();

  /// A buffer of kPieceBytes, kept for reuse when given back.
  std::unique_ptr<std::byte[]> take_piece();
  void give_back_piece(std::unique_ptr<std::byte[]> piece) noexcept;

 private:
  void watch_deadlines();

  // Before the context, whose destructor ends the coroutines that use them.
  std::list<Channel*> channels_;
  std::vector<std::unique_ptr<std::byte[]>> pieces_;
  std::string date_;
  std::int64_t date_second_ = -1;
  std::chrono::milliseconds tick_;
  bool ticking_ = false;
  bool stopping_ = false;

 public:
  std::atomic<std::size_t> load = 0;  ///< connections handed to this loop
  asio::io_context context{1};

 private:
  asio::steady_timer timer_{context};
};

}  // namespace s3link::http_server
