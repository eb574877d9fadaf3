#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "adapters/http_server/server.hpp"
#include "core/base/encoding.hpp"
#include "support/raw_peer.hpp"

namespace s3link::http_server {

using namespace std::chrono_literals;
using test_support::RawPeer;
using test_support::RawResponse;

/// Keeps what is logged.
class KeptLog final : public ports::Logger {
 public:
  void log(ports::LogLevel, std::string_view message, std::vector<ports::LogField> fields) override {
    const std::scoped_lock lock(mutex_);
    text_ += message;
    for (const auto& [name, value] : fields) text_ += ' ' + name + '=' + value;
    text_ += '\n';
  }
  std::string text() const {
    const std::scoped_lock lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

/// Does what the path says.
class ScriptedHandler final : public ports::HttpHandler {
 public:
  Awaitable<void> handle(const ports::HttpRequestHead& request, ports::HttpRequestBody& body,
                         ports::HttpResponseWriter& response) override {
    ++requests;
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (path == "/echo") co_return co_await echo(request, body, response);
    if (path == "/count") co_return co_await count(body, response);
    if (path == "/refuse") {
      co_await response.whole(403, {{"Content-Type", "text/plain"}}, "no");
    } else if (path == "/refuse-later") {
      co_await body.read();
      co_await response.whole(403, {}, "no");
    } else if (path == "/throw") {
      throw std::runtime_error("thrown on purpose");
    } else if (path == "/throw-later") {
      co_await response.head(200, {}, 10);
      co_await response.write(as_bytes("12345"));
      throw std::runtime_error("thrown on purpose");
    } else if (path == "/held-throw") {
      co_await response.head(200, {}, 10);
      throw std::runtime_error("thrown on purpose");
    } else if (path == "/short") {
      co_await response.head(200, {}, 10);
      co_await response.write(as_bytes("12345"));
    } else if (path == "/long") {
      co_await response.head(200, {}, 5);
      co_await response.write(as_bytes("123"));
      EXPECT_FALSE(co_await response.write(as_bytes("4567")));
    } else if (path == "/twice") {
      co_await response.whole(200, {}, "one");
      EXPECT_FALSE(co_await response.whole(200, {}, "two"));
    } else if (path == "/split") {
      EXPECT_FALSE(co_await response.whole(200, {{"X", "a\r\nSet-Cookie: b"}}, "x"));
    } else if (path == "/no-content") {
      co_await response.whole(204, {}, "");
    } else if (path == "/not-modified") {
      co_await response.head(304, {{"ETag", "\"e\""}}, 1000);
    } else if (path == "/own-fields") {
      co_await response.whole(200, {{"connection", "upgrade"}, {"Content-Length", "99"}, {"Date", "x"}}, "x");
    } else if (path == "/big") {
      co_await big(response);
    } else if (path == "/wait") {
      ++waiting;
      asio::steady_timer timer(co_await asio::this_coro::executor);
      while (!released) {
        timer.expires_after(5ms);
        co_await timer.async_wait(asio::use_awaitable);
      }
      co_await response.whole(200, {}, "waited");
    } else if (path == "/who") {
      const std::string how =
          request.secure ? " secure " + request.tls_version + " " + request.tls_cipher : std::string(" plain");
      co_await response.whole(200, {}, request.remote_address + how);
    } else if (path != "/silent") {
      co_await response.whole(200, {}, "ok");
    }
  }

  static constexpr std::uint64_t kBig = 20'000'000;
  std::atomic<int> requests = 0;
  std::atomic<int> waiting = 0;
  std::atomic<bool> released = false;
  std::atomic<bool> write_failed = false;

 private:
  static Awaitable<void> echo(const ports::HttpRequestHead& request, ports::HttpRequestBody& body,
                              ports::HttpResponseWriter& response) {
    std::string all;
    while (true) {
      const auto piece = co_await body.read();
      if (!piece) co_return co_await fail_with(piece.error(), response);
      if (piece->empty()) break;
      EXPECT_LE(piece->size(), 256U * 1024);
      all += as_text(*piece);
    }
    co_await response.whole(200, {{"X-Target", request.target}}, std::move(all));
  }
  static Awaitable<void> count(ports::HttpRequestBody& body, ports::HttpResponseWriter& response) {
    std::uint64_t bytes = 0;
    while (true) {
      const auto piece = co_await body.read();
      if (!piece) co_return co_await fail_with(piece.error(), response);
      if (piece->empty()) break;
      bytes += piece->size();
    }
    const auto declared = body.declared_length();
    co_await response.whole(200, {}, std::to_string(bytes) + ' ' + (declared ? std::to_string(*declared) : "chunked"));
  }
  static Awaitable<void> fail_with(Error error, ports::HttpResponseWriter& response) {
    co_await response.whole(400, {}, error.code);
  }
  Awaitable<void> big(ports::HttpResponseWriter& response) {
    const std::vector<std::byte> piece(250'000, std::byte{'b'});
    co_await response.head(200, {}, kBig);
    for (std::uint64_t sent = 0; sent < kBig; sent += piece.size()) {
      const auto status = co_await response.write(piece);
      if (!status) {
        write_failed = true;
        co_return;
      }
    }
  }
};

/// A server on a free port, with options of the test's own.
class ServerTest : public testing::Test {
 protected:
  Server& start(ServerOptions options = {}) {
    auto listening = Server::listen(std::move(options), handler, log);
    if (!listening) throw std::runtime_error(listening.error().message);
    server = std::move(*listening);
    server->run();
    return *server;
  }
  RawPeer connect() const { return RawPeer(server->port()); }
  /// One request on a connection of its own.
  RawResponse ask(const std::string& request) const {
    RawPeer peer = connect();
    peer.send(request);
    return peer.response(request.starts_with("HEAD"));
  }
  /// Waits until `done()`; false after 10 s.
  template <class Condition>
  static bool eventually(Condition done) {
    const auto limit = std::chrono::steady_clock::now() + 10s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > limit) return false;
      std::this_thread::sleep_for(2ms);
    }
    return true;
  }

  ScriptedHandler handler;
  KeptLog log;
  std::unique_ptr<Server> server;
};

inline std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; }
inline std::string put(const std::string& path, const std::string& body, const std::string& fields = {}) {
  return "PUT " + path + " HTTP/1.1\r\nHost: h\r\n" + fields + "Content-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

}  // namespace s3link::http_server
