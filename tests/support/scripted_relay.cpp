#include "support/scripted_relay.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <type_traits>
#include <utility>

namespace s3link::test_support {

using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket&>;

/// One dialogue over a plain or a TLS stream; every I/O error ends it by an exception.
template <class Stream>
class ScriptedRelay::Conversation {
 public:
  Conversation(ScriptedRelay& relay, Stream& stream, unsigned connection)
      : relay_(relay), stream_(stream), connection_(connection) {}

  /// Returns true when the client asked for TLS, and was told to go on.
  Awaitable<bool> run(bool greet) {
    if (greet && !co_await say(relay_.reply_to("CONNECT", relay_.script_.greeting))) co_return false;
    while (true) {
      const std::string line = co_await read_line();
      const std::string verb = line.substr(0, 4) == "STAR" ? "STARTTLS" : line.substr(0, 4);
      {
        const std::scoped_lock lock(relay_.mutex_);
        relay_.commands_.push_back(line);
      }
      const std::string reply = relay_.reply_to(verb, usual(verb));
      if (verb == "MAIL") message_.from = inside_brackets(line);
      if (verb == "RCPT") message_.to = inside_brackets(line);
      if (!co_await say(reply)) co_return false;
      if (verb == "DATA" && reply.starts_with("354") && !co_await take_message()) co_return false;
      if (verb == "STARTTLS" && reply.starts_with("220")) co_return true;
      if (verb == "QUIT") co_return false;
    }
  }

 private:
  std::string usual(const std::string& verb) const {
    if (verb == "EHLO") return relay_.script_.ehlo;
    if (verb == "DATA") return "354 go on";
    if (verb == "AUTH") return "235 2.7.0 welcome";
    if (verb == "QUIT") return "221 2.0.0 bye";
    if (verb == "STARTTLS") return "220 2.0.0 ready";
    return "250 2.1.0 ok";
  }

  Awaitable<bool> take_message() {
    message_.data.clear();
    if (relay_.reply_to("READ", "") == kStall) co_await say(kStall);
    for (std::string line = co_await read_line(); line != "."; line = co_await read_line()) {
      message_.data += (line.starts_with('.') ? line.substr(1) : line) + "\r\n";
    }
    message_.connection = connection_;
    message_.tls = !std::is_same_v<Stream, tcp::socket>;
    std::string queued;
    {
      const std::scoped_lock lock(relay_.mutex_);
      relay_.messages_.push_back(message_);
      queued = "250 2.0.0 Ok: queued as " + std::to_string(relay_.messages_.size());
    }
    co_return co_await say(relay_.reply_to(".", queued));
  }

  /// False when the connection is to be closed instead.
  Awaitable<bool> say(std::string reply) {
    const bool close = reply.ends_with(kClose);
    if (close) reply.resize(reply.size() - std::string_view(kClose).size());
    if (close && reply.empty()) co_return false;
    if (reply.starts_with(kLate)) {
      reply.erase(0, std::string_view(kLate).size());
      co_await stream_.lowest_layer().async_wait(tcp::socket::wait_read, asio::use_awaitable);
    }
    if (reply == kStall) {
      asio::steady_timer never(co_await asio::this_coro::executor, asio::steady_timer::time_point::max());
      co_await never.async_wait(asio::use_awaitable);
    }
    reply += "\r\n";
    co_await asio::async_write(stream_, asio::buffer(reply), asio::use_awaitable);
    co_return !close;
  }

  Awaitable<std::string> read_line() {
    const std::size_t length =
        co_await asio::async_read_until(stream_, asio::dynamic_buffer(input_), "\r\n", asio::use_awaitable);
    std::string line = input_.substr(0, length - 2);
    input_.erase(0, length);
    co_return line;
  }

  static std::string inside_brackets(const std::string& line) {
    const auto begin = line.find('<') + 1;
    return line.substr(begin, line.find('>') - begin);
  }

  ScriptedRelay& relay_;
  Stream& stream_;
  unsigned connection_;
  std::string input_;
  Message message_;
};

ScriptedRelay::ScriptedRelay(Script script)
    : script_(std::move(script)), acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
  port_ = acceptor_.local_endpoint().port();
  if (!script_.certificate_file.empty()) {
    tls_.emplace(asio::ssl::context::tls_server);
    tls_->use_certificate_chain_file(script_.certificate_file);
    tls_->use_private_key_file(script_.key_file, asio::ssl::context::pem);
  }
  asio::co_spawn(io_, accept(), [](std::exception_ptr) {});
  thread_ = std::thread([this] { io_.run(); });
}

ScriptedRelay::~ScriptedRelay() {
  io_.stop();
  thread_.join();
}

std::vector<ScriptedRelay::Message> ScriptedRelay::messages() const {
  const std::scoped_lock lock(mutex_);
  return messages_;
}

std::vector<std::string> ScriptedRelay::commands() const {
  const std::scoped_lock lock(mutex_);
  return commands_;
}

std::string ScriptedRelay::reply_to(const std::string& verb, const std::string& usual) {
  const std::scoped_lock lock(mutex_);
  auto& ordered = script_.replies[verb];
  if (ordered.empty()) return usual;
  std::string reply = std::move(ordered.front());
  ordered.pop_front();
  return reply;
}

Awaitable<void> ScriptedRelay::accept() {
  while (true) {
    tcp::socket socket = co_await acceptor_.async_accept(asio::use_awaitable);
    // A dialogue ends by an exception when the client goes: nothing is wrong then.
    asio::co_spawn(io_, serve(std::move(socket), ++connections_), [](std::exception_ptr) {});
  }
}

Awaitable<void> ScriptedRelay::serve(tcp::socket socket, unsigned connection) {
  bool greet = true;
  if (!script_.implicit_tls) {
    Conversation<tcp::socket> plain(*this, socket, connection);
    if (!co_await plain.run(greet)) co_return;
    greet = false;
  }
  TlsStream secure(socket, *tls_);
  co_await secure.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  Conversation<TlsStream> rest(*this, secure, connection);
  co_await rest.run(greet);
}

}  // namespace s3link::test_support
