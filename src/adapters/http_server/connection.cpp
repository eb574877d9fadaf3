#include "adapters/http_server/connection.hpp"

#include <algorithm>
#include <exception>

#include "adapters/http_server/request_body.hpp"
#include "adapters/http_server/response_writer.hpp"
#include "core/base/forwarded.hpp"

namespace s3link::http_server {

namespace {

using std::chrono::steady_clock;

// For TLS to say that nothing follows.
constexpr std::chrono::seconds kShutDown{2};

// "::ffff:127.0.0.1" is shown as the IPv4 address it stands for.
std::string address_of(const tcp::socket& socket) {
  boost::system::error_code error;
  const auto endpoint = socket.remote_endpoint(error);
  if (error) return {};
  const auto address = endpoint.address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

class Connection {
 public:
  Connection(Shared& shared, Loop& loop, tcp::socket socket, std::shared_ptr<asio::ssl::context> tls)
      : shared_(shared),
        options_(shared.options),
        loop_(loop),
        remote_address_(address_of(socket)),
        channel_(std::move(socket), std::move(tls), options_.max_head_bytes),
        registration_(loop.add(channel_)) {}
  ~Connection() { loop_.remove(registration_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Awaitable<void> run();

 private:
  // What happens to the connection after a request.
  enum class Next { request, end, linger, abort };

  Awaitable<bool> await_request();
  Awaitable<std::expected<ParsedHead, Next>> read_head();
  Awaitable<Next> refuse(Refusal refusal);
  Awaitable<Next> serve(ParsedHead parsed);
  Awaitable<bool> call_handler(const ports::HttpRequestHead& head, RequestBody& body, ResponseWriter& response);
  Awaitable<bool> drain(RequestBody& body);
  Awaitable<void> linger();
  void set_worth(Worth worth) {
    channel_.worth = worth;
    channel_.since = steady_clock::now();
  }
  void log_failure(const ports::HttpRequestHead& head, std::string_view what);

  Shared& shared_;
  const ServerOptions& options_;
  Loop& loop_;
  const std::string remote_address_;
  Channel channel_;
  const Loop::Registration registration_;
  bool answered_ = false;  // a request, by the handler
};

Awaitable<void> Connection::run() {
  if (channel_.secure() && co_await channel_.handshake(steady_clock::now() + options_.head_timeout) != Outcome::done) {
    co_return;
  }
  Next next = Next::request;
  while (next == Next::request) {
    if (!co_await await_request()) {
      next = Next::end;
      break;
    }
    auto parsed = co_await read_head();
    next = parsed ? co_await serve(std::move(*parsed)) : parsed.error();
  }
  if (next == Next::abort) co_return;
  if (next == Next::linger) set_worth(Worth::refused);
  co_await channel_.shut_down(steady_clock::now() + kShutDown);
  if (next == Next::linger) co_await linger();
}

// Waits for the first byte of a head; false when there will be none.
Awaitable<bool> Connection::await_request() {
  while (true) {
    // RFC 9112 §2.2: an empty line before the request line is skipped.
    while (channel_.buffered().starts_with("\r\n")) channel_.consume(2);
    if (loop_.stopping()) co_return false;
    if (!channel_.buffered().empty() && channel_.buffered() != "\r") co_return true;
    if (answered_) set_worth(Worth::idle);
    channel_.awaits_request = true;
    const auto patience = answered_ ? options_.idle_timeout : std::min(options_.idle_timeout, options_.head_timeout);
    const Outcome outcome = co_await channel_.fill(steady_clock::now() + patience);
    channel_.awaits_request = false;
    if (outcome != Outcome::done) co_return false;
  }
}

Awaitable<std::expected<ParsedHead, Connection::Next>> Connection::read_head() {
  const auto deadline = steady_clock::now() + options_.head_timeout;
  HeadScanner scanner;
  for (auto state = scanner.scan(channel_.buffered()); state != HeadScanner::State::complete;
       state = scanner.scan(channel_.buffered())) {
    if (state == HeadScanner::State::malformed) {
      co_return std::unexpected(co_await refuse({400, "InvalidRequest", "A line of the head does not end in CR LF."}));
    }
    if (!channel_.can_fill()) {
      co_return std::unexpected(
          co_await refuse({431, "RequestHeaderSectionTooLarge", "The request line and header fields are too long."}));
    }
    const Outcome outcome = co_await channel_.fill(deadline);
    if (outcome == Outcome::timed_out) {
      co_return std::unexpected(co_await refuse({408, "RequestTimeout", "The request head came too slowly."}));
    }
    if (outcome != Outcome::done) co_return std::unexpected(Next::abort);
  }
  auto parsed = parse_head(channel_.buffered().substr(0, scanner.size()));
  channel_.consume(scanner.size());
  if (!parsed) co_return std::unexpected(co_await refuse(std::move(parsed.error())));
  co_return std::move(*parsed);
}

// Answers a request whose end is not known: nothing after it can be read.
Awaitable<Connection::Next> Connection::refuse(Refusal refusal) {
  shared_.refused_requests.fetch_add(1, std::memory_order_relaxed);
  ResponseWriter response(channel_, loop_, options_, {}, nullptr);
  co_await response.replace(refusal.status, refusal.code, std::move(refusal.message));
  co_return response.complete() ? Next::linger : Next::abort;
}

Awaitable<Connection::Next> Connection::serve(ParsedHead parsed) {
  set_worth(Worth::busy);
  parsed.head.remote_address = client_address(remote_address_, parsed.head.fields, options_.trusted_proxies);
  parsed.head.secure = channel_.secure();
  parsed.head.tls_version = channel_.tls_version();
  parsed.head.tls_cipher = channel_.tls_cipher();
  RequestBody body(channel_, loop_, options_, parsed.framing);
  ResponseWriter response(channel_, loop_, options_,
                          {.head_only = parsed.head.method == "HEAD", .keep_alive = parsed.framing.keep_alive}, &body);

  const bool returned = co_await call_handler(parsed.head, body, response);
  if (!response.complete()) {
    if (!response.unsent()) co_return Next::abort;  // the client sees that the body is short
    if (returned) log_failure(parsed.head, "no complete answer");
    co_await response.replace(500, "InternalError", "We encountered an internal error. Please try again.");
    if (!response.complete()) co_return Next::abort;
  }
  if (!response.keeps_alive() || !returned) co_return body.complete() ? Next::end : Next::linger;
  answered_ = true;
  co_return co_await drain(body) ? Next::request : Next::abort;
}

// False when it threw.
Awaitable<bool> Connection::call_handler(const ports::HttpRequestHead& head, RequestBody& body,
                                         ResponseWriter& response) {
  try {
    co_await shared_.handler.handle(head, body, response);
    co_return true;
  } catch (const std::exception& exception) {
    log_failure(head, exception.what());
  } catch (...) {
    log_failure(head, "unknown exception");
  }
  co_return false;
}

void Connection::log_failure(const ports::HttpRequestHead& head, std::string_view what) {
  // Without the query, which may hold a signature.
  shared_.logger.log(ports::LogLevel::error, "a request failed",
                     {{"error", std::string(what)},
                      {"method", head.method},
                      {"path", head.target.substr(0, head.target.find('?'))},
                      {"client", remote_address_}});
}

// What is left of a body whose answer was given early: short, or it would not be drained.
Awaitable<bool> Connection::drain(RequestBody& body) {
  if (body.complete()) co_return true;
  set_worth(Worth::refused);
  co_return co_await body.drain(options_.drain_window, steady_clock::now() + options_.drain_timeout);
}

// The client may still send: it is given time to stop, or to come to the end, and read the answer. Closing with unread
// input would reset the connection, and the client's system would drop the answer. Bounded in time, in bytes, and in
// how slow they may come; and these connections are the first to go when room is needed.
Awaitable<void> Connection::linger() {
  const auto end = steady_clock::now() + options_.drain_timeout;
  const Piece scratch = loop_.take_piece();
  std::uint64_t dropped = 0;
  std::size_t progress = 0;
  auto window = steady_clock::now() + options_.drain_window;
  while (dropped < kMaxDrainBytes && !loop_.stopping()) {
    const std::size_t count = co_await channel_.discard_some(scratch.bytes(), std::min(end, window));
    if (count == 0) break;
    dropped += count;
    progress += count;
    const auto now = steady_clock::now();
    if (now >= end) break;
    if (progress >= kMinDrainBytes) {
      progress = 0;
      window = now + options_.drain_window;
    } else if (now >= window) {
      break;
    }
  }
}

}  // namespace

Slot::Slot(Shared& shared, Loop& loop, std::optional<IpAddress> counted) noexcept
    : shared_(&shared), loop_(&loop), counted_(counted) {
  ++shared.connections;
  ++loop.load;
}

Slot::~Slot() {
  if (shared_ == nullptr) return;
  --loop_->load;
  if (counted_) shared_->addresses.leave(*counted_);
  {
    const std::scoped_lock lock(shared_->mutex);
    if (--shared_->connections == 0) shared_->all_closed.notify_all();
  }
  if (shared_->full.exchange(false)) shared_->room_made();
}

Awaitable<void> serve_connection(Shared& shared, Loop& loop, Slot, tcp::socket socket,
                                 std::shared_ptr<asio::ssl::context> tls) {
  Connection connection(shared, loop, std::move(socket), std::move(tls));
  co_await connection.run();
}

}  // namespace s3link::http_server
