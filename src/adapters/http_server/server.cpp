#include "adapters/http_server/server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <thread>
#include <vector>

#include "adapters/http_server/connection.hpp"
#include "adapters/http_server/loop.hpp"
#include "adapters/http_server/tls_context.hpp"

namespace s3link::http_server {

namespace {

constexpr auto kToken = asio::as_tuple(asio::use_awaitable);
// How soon a full server, or one out of descriptors, looks again at the latest.
constexpr std::chrono::milliseconds kFullPause{20};
constexpr std::chrono::milliseconds kExhaustedPause{100};
constexpr std::chrono::seconds kAbandon{2};
// So many are accepted before the connections that share the thread have their turn.
constexpr unsigned kAcceptBatch = 16;

std::string listen_name(const ServerOptions& options) {
  const bool v6 = options.host.contains(':') && !options.host.starts_with('[');
  return "server.listen: " + (v6 ? '[' + options.host + ']' : options.host) + ':' + std::to_string(options.port);
}

// Addresses as they are; a name by its first address, IPv4 before IPv6, as clients of "localhost" expect.
Result<tcp::endpoint> resolve(const ServerOptions& options) {
  std::string_view host = options.host;
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  if (const auto address = asio::ip::make_address(host, error); !error) return tcp::endpoint(address, options.port);

  asio::io_context context;
  tcp::resolver resolver(context);
  const auto found = resolver.resolve(host, "", tcp::resolver::passive, error);
  if (error || found.empty()) {
    return fail(ErrorKind::invalid_argument, listen_name(options) + ": no such host: " + error.message());
  }
  auto best = std::ranges::find_if(found, [](const auto& entry) { return entry.endpoint().address().is_v4(); });
  if (best == found.end()) best = found.begin();
  return tcp::endpoint(best->endpoint().address(), options.port);
}

ErrorKind kind_of(const boost::system::error_code& error) {
  if (error == asio::error::address_in_use) return ErrorKind::conflict;
  if (error == asio::error::access_denied) return ErrorKind::denied;
  return ErrorKind::invalid_argument;
}

Status open(tcp::acceptor& acceptor, const tcp::endpoint& endpoint, const ServerOptions& options) {
  boost::system::error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6()) {
    // "::" takes IPv4 as well, whatever the system's default.
    boost::system::error_code ignored;
    acceptor.set_option(asio::ip::v6_only(false), ignored);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) acceptor.non_blocking(true, error);
  if (!error) return {};
  const std::string reason =
      error == asio::error::address_in_use ? "the address is in use by another program" : error.message();
  return fail(kind_of(error), listen_name(options) + ": " + reason);
}

// Connections that wait in the kernel to be accepted.
std::size_t waiting_at(int listening) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(listening, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 1;
  return info.tcpi_unacked;  // of a listening socket: the length of its queue
}

std::optional<IpAddress> address_of(const sockaddr_storage& peer) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* bytes = nullptr;
  if (peer.ss_family == AF_INET) bytes = &reinterpret_cast<const sockaddr_in&>(peer).sin_addr;
  if (peer.ss_family == AF_INET6) bytes = &reinterpret_cast<const sockaddr_in6&>(peer).sin6_addr;
  if (bytes == nullptr || ::inet_ntop(peer.ss_family, bytes, text.data(), text.size()) == nullptr) return std::nullopt;
  return IpAddress::parse(text.data());
}

bool is_exhaustion(int error) { return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM; }

}  // namespace

struct Server::State {
  State(ServerOptions&& options, ports::HttpHandler& handler, ports::Logger& logger)
      : shared(std::move(options), handler, logger) {
    const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
    const unsigned count = shared.options.threads != 0 ? shared.options.threads : cores;
    for (unsigned index = 0; index < count; ++index) loops.push_back(std::make_unique<Loop>(shared.options));
    acceptor.emplace(loops.front()->context);
    pause.emplace(loops.front()->context);
    shared.room_made = [this] { asio::post(loops.front()->context, [this] { pause->cancel(); }); };
  }

  Awaitable<void> accept_connections();
  Awaitable<void> wait(std::chrono::milliseconds duration);
  void hand_out(int descriptor, std::optional<IpAddress> counted);
  void make_room(std::size_t count);
  bool wait_until_closed(std::chrono::milliseconds limit);

  Shared shared;
  std::mutex tls_mutex;
  std::shared_ptr<asio::ssl::context> tls;  // guarded by tls_mutex
  std::mutex life_mutex;                    // guards started, stopped
  bool started = false;
  bool stopped = false;
  tcp::endpoint endpoint;
  std::vector<std::unique_ptr<Loop>> loops;
  // On the first loop.
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> pause;
  std::chrono::steady_clock::time_point exhaustion_logged{};
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::vector<std::thread> threads;
};

Awaitable<void> Server::State::accept_connections() {
  unsigned accepted = 0;
  while (acceptor->is_open()) {
    if (shared.connections >= shared.options.max_connections) {
      const std::size_t waiting = waiting_at(acceptor->native_handle());
      if (waiting == 0) {
        co_await acceptor->async_wait(tcp::acceptor::wait_read, kToken);
        continue;
      }
      shared.full = true;  // first, so that no slot given back from now on goes unnoticed
      if (shared.connections < shared.options.max_connections) continue;
      make_room(waiting);
      co_await wait(kFullPause);
      shared.full = false;
      continue;
    }
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    const int descriptor =
        ::accept4(acceptor->native_handle(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0) {
      shared.accepted.fetch_add(1, std::memory_order_relaxed);
      auto counted = address_of(peer);
      if (counted && !shared.addresses.is_limited(*counted)) counted.reset();
      if (counted && !shared.addresses.enter(*counted)) {
        shared.over_address_limit.fetch_add(1, std::memory_order_relaxed);
        ::close(descriptor);
      } else {
        hand_out(descriptor, counted);
      }
      if (++accepted % kAcceptBatch == 0) co_await asio::post(loops.front()->context, asio::use_awaitable);
      continue;
    }
    const int error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) {
      co_await acceptor->async_wait(tcp::acceptor::wait_read, kToken);
    } else if (is_exhaustion(error)) {
      shared.accept_failures.fetch_add(1, std::memory_order_relaxed);
      const auto now = std::chrono::steady_clock::now();
      if (now - exhaustion_logged > std::chrono::seconds(10)) {
        exhaustion_logged = now;
        shared.logger.log(ports::LogLevel::warning, "cannot accept connections for now",
                          {{"error", std::generic_category().message(error)},
                           {"connections", std::to_string(shared.connections.load())}});
      }
      make_room(std::max<std::size_t>(1, waiting_at(acceptor->native_handle())));
      co_await wait(kExhaustedPause);
    }
    // Else the peer was gone before we came, or a signal: the next one.
  }
}

Awaitable<void> Server::State::wait(std::chrono::milliseconds duration) {
  pause->expires_after(duration);
  co_await pause->async_wait(kToken);
}

void Server::State::make_room(std::size_t count) {
  const std::size_t share = (count + loops.size() - 1) / loops.size();
  for (const auto& loop : loops) {
    asio::post(loop->context, [this, share, loop = loop.get()] {
      shared.closed_for_room.fetch_add(loop->make_room(share), std::memory_order_relaxed);
    });
  }
}

void Server::State::hand_out(int descriptor, std::optional<IpAddress> counted) {
  Loop& loop = **std::ranges::min_element(loops, {}, [](const auto& each) { return each->load.load(); });
  Slot slot(shared, loop, counted);
  tcp::socket socket(loop.context);
  boost::system::error_code error;
  socket.assign(endpoint.protocol(), descriptor, error);
  if (error) {
    ::close(descriptor);
    return;
  }
  socket.set_option(tcp::no_delay(true), error);
  std::shared_ptr<asio::ssl::context> context;
  {
    const std::scoped_lock lock(tls_mutex);
    context = tls;
  }
  asio::co_spawn(loop.context, serve_connection(shared, loop, std::move(slot), std::move(socket), std::move(context)),
                 [this](const std::exception_ptr& thrown) {
                   if (!thrown) return;
                   try {
                     std::rethrow_exception(thrown);
                   } catch (const std::exception& exception) {
                     shared.logger.log(ports::LogLevel::error, "a connection failed", {{"error", exception.what()}});
                   }
                 });
}

bool Server::State::wait_until_closed(std::chrono::milliseconds limit) {
  std::unique_lock lock(shared.mutex);
  return shared.all_closed.wait_for(lock, limit, [this] { return shared.connections == 0; });
}

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, ports::HttpHandler& handler,
                                               ports::Logger& logger) {
  const auto endpoint = resolve(options);
  if (!endpoint) return std::unexpected(endpoint.error());
  auto state = std::make_unique<State>(std::move(options), handler, logger);
  if (state->shared.options.tls) {
    auto tls = load_tls(*state->shared.options.tls);
    if (!tls) return std::unexpected(tls.error());
    state->tls = std::move(*tls);
  }
  if (const auto opened = open(*state->acceptor, *endpoint, state->shared.options); !opened) {
    return std::unexpected(opened.error());
  }
  boost::system::error_code error;
  state->endpoint = state->acceptor->local_endpoint(error);
  if (error) return fail(ErrorKind::internal, "server.listen: " + error.message());
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Server::~Server() { stop(std::chrono::milliseconds(0)); }

std::uint16_t Server::port() const noexcept { return state_->endpoint.port(); }

std::size_t Server::connections() const noexcept { return state_->shared.connections; }

Server::Tally Server::tally() const noexcept {
  const Shared& shared = state_->shared;
  return {.accepted = shared.accepted.load(std::memory_order_relaxed),
          .closed_for_room = shared.closed_for_room.load(std::memory_order_relaxed),
          .over_address_limit = shared.over_address_limit.load(std::memory_order_relaxed),
          .accept_failures = shared.accept_failures.load(std::memory_order_relaxed),
          .refused_requests = shared.refused_requests.load(std::memory_order_relaxed)};
}

void Server::run() {
  const std::scoped_lock lock(state_->life_mutex);
  if (state_->started || state_->stopped) return;
  state_->started = true;
  asio::co_spawn(state_->loops.front()->context, state_->accept_connections(),
                 [this](const std::exception_ptr& thrown) {
                   if (thrown)
                     state_->shared.logger.log(ports::LogLevel::error, "the server no longer accepts connections", {});
                 });
  for (const auto& loop : state_->loops) {
    state_->work.push_back(asio::make_work_guard(loop->context));
    state_->threads.emplace_back([loop = loop.get()] { loop->context.run(); });
  }
}

void Server::stop(std::chrono::milliseconds grace) {
  const std::scoped_lock lock(state_->life_mutex);
  if (std::exchange(state_->stopped, true)) return;
  boost::system::error_code ignored;
  if (!state_->started) {
    state_->acceptor->close(ignored);
    return;
  }
  asio::post(state_->loops.front()->context, [state = state_.get()] {
    boost::system::error_code error;
    state->acceptor->close(error);
    state->pause->cancel();
    // Only now: whoever sees its idle connection end finds the port closed, and does not come back to be reset.
    for (const auto& loop : state->loops) asio::post(loop->context, [loop = loop.get()] { loop->stop_gently(); });
  });
  if (!state_->wait_until_closed(grace)) {
    for (const auto& loop : state_->loops) asio::post(loop->context, [loop = loop.get()] { loop->close_all(); });
    if (!state_->wait_until_closed(kAbandon)) {
      state_->shared.logger.log(ports::LogLevel::error, "requests did not end and were abandoned",
                                {{"connections", std::to_string(connections())}});
    }
  }
  for (const auto& loop : state_->loops) loop->context.stop();
  for (auto& thread : state_->threads) thread.join();
  state_->shared.full = false;  // nobody waits any more
  // Where nothing was open, the contexts may have stopped before the posted close had its turn.
  state_->acceptor->close(ignored);
}

void Server::ask_threads(std::function<void()> answered) {
  auto left = std::make_shared<std::atomic<std::size_t>>(state_->loops.size());
  for (const auto& loop : state_->loops) {
    asio::post(loop->context, [left, answered] {
      if (left->fetch_sub(1) == 1) answered();
    });
  }
}

Status Server::reload_tls() {
  if (!state_->shared.options.tls) return {};
  auto fresh = load_tls(*state_->shared.options.tls);
  if (!fresh) return std::unexpected(fresh.error());
  const std::scoped_lock lock(state_->tls_mutex);
  state_->tls = std::move(*fresh);
  return {};
}

}  // namespace s3link::http_server
