#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ports/awaitable.hpp"

namespace s3link::test_support {

/// An SMTP relay on 127.0.0.1 that answers as it is told, on a thread of its own.
class ScriptedRelay {
 public:
  static constexpr const char* kClose = "<close>";  ///< instead of a reply, or behind one: closes the connection
  static constexpr const char* kStall = "<stall>";  ///< instead of a reply: never answers
  /// Before a reply: it is given when the client has stopped waiting, by saying more or by going away.
  static constexpr const char* kLate = "<late>";

  struct Script {
    std::string greeting = "220 relay.test ESMTP";
    std::string ehlo = "250-relay.test\r\n250 8BITMIME";
    /// What is answered to "MAIL", "RCPT", "DATA", "." (the end of the message), "AUTH", "CONNECT" (the greeting), … in
    /// order; then what is usual. kStall for "READ": the message is never read. A line that is no command is known by
    /// its first four characters.
    std::map<std::string, std::deque<std::string>> replies;
    std::string certificate_file;  ///< PEM; empty: no TLS
    std::string key_file;
    bool implicit_tls = false;
  };
  struct Message {
    std::string from, to, data;  ///< data: dots unstuffed
    unsigned connection = 0;     ///< from 1
    bool tls = false;
  };

  explicit ScriptedRelay(Script script);
  ~ScriptedRelay();

  std::uint16_t port() const { return port_; }
  std::vector<Message> messages() const;
  unsigned connections() const { return connections_; }
  /// Everything clients sent but messages, e.g. "AUTH PLAIN …".
  std::vector<std::string> commands() const;

 private:
  template <class Stream>
  class Conversation;
  Awaitable<void> accept();
  Awaitable<void> serve(asio::ip::tcp::socket socket, unsigned connection);
  std::string reply_to(const std::string& verb, const std::string& usual);

  mutable std::mutex mutex_;
  Script script_;
  std::vector<Message> messages_;
  std::vector<std::string> commands_;
  std::atomic<unsigned> connections_ = 0;
  asio::io_context io_;
  std::optional<asio::ssl::context> tls_;
  asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

}  // namespace s3link::test_support
