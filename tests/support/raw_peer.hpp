#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/encoding.hpp"

namespace s3link::test_support {

/// An HTTP response taken apart far enough for tests.
struct RawResponse {
  explicit operator bool() const { return status != 0; }

  unsigned status = 0;  ///< 0: none came whole
  std::string head;
  std::map<std::string, std::string> fields;  ///< names in lower case
  std::string body;
};

/// The client's end of a TCP connection to 127.0.0.1, byte by byte. Nothing waits longer than 20 s.
class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      throw std::runtime_error("connect failed");
    }
  }
  RawPeer(RawPeer&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), buffered_(std::move(other.buffered_)) {}
  ~RawPeer() { close(); }

  int descriptor() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  void finish_sending() const { ::shutdown(descriptor_, SHUT_WR); }

  /// False when the peer no longer takes it.
  bool send(std::string_view text) const {
    while (!text.empty()) {
      const auto sent = ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// As much as can be sent before an answer comes, at most `count` bytes of 'x'. Returns how much it was.
  std::uint64_t send_until_answer(std::uint64_t count) const {
    const std::string piece(64 * 1024, 'x');
    std::uint64_t sent = 0;
    while (sent < count && !readable(std::chrono::milliseconds(0))) {
      if (!send(piece)) break;
      sent += piece.size();
    }
    return sent;
  }

  bool readable(std::chrono::milliseconds timeout) const {
    pollfd poll_for{descriptor_, POLLIN, 0};
    return ::poll(&poll_for, 1, static_cast<int>(timeout.count())) > 0;
  }
  /// Nothing came within `quiet`, and the connection is open.
  bool quiet_for(std::chrono::milliseconds quiet) const { return buffered_.empty() && !readable(quiet); }
  /// The peer ends the connection, after whatever it still sends.
  bool ended() {
    while (receive()) {
    }
    return ended_;
  }
  /// Everything up to the end of the connection.
  std::string read_all() {
    ended();
    return std::exchange(buffered_, {});
  }
  /// So many bytes; empty when they do not come.
  std::string read(std::size_t count) {
    while (buffered_.size() < count) {
      if (!receive()) return {};
    }
    return cut(count);
  }

  /// The next response, with its body by Content-Length. `to_head`: it answers a HEAD. Status 0 when none comes whole.
  RawResponse response(bool to_head = false) {
    std::size_t end = std::string::npos;
    while ((end = buffered_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return {};
    }
    RawResponse response;
    response.head = cut(end + 4);
    if (response.head.size() < 12 || !response.head.starts_with("HTTP/1.1 ")) return {};
    response.status = static_cast<unsigned>(std::stoul(response.head.substr(9, 3)));
    for (std::size_t line = response.head.find("\r\n") + 2; line + 2 < response.head.size();) {
      const auto stop = response.head.find("\r\n", line);
      const std::string field = response.head.substr(line, stop - line);
      const auto colon = field.find(": ");
      response.fields[to_lower(field.substr(0, colon))] = field.substr(colon + 2);
      line = stop + 2;
    }
    const auto length = response.fields.find("content-length");
    if (to_head || length == response.fields.end()) return response;
    const auto count = std::stoull(length->second);
    while (buffered_.size() < count) {
      if (!receive()) return {};
    }
    response.body = cut(count);
    return response;
  }

 private:
  std::string cut(std::size_t count) {
    std::string front = buffered_.substr(0, count);
    buffered_.erase(0, count);
    return front;
  }
  // False at the end of the connection, or when nothing comes.
  bool receive() {
    if (!readable(std::chrono::seconds(20))) return false;
    char piece[65536];
    const auto count = ::recv(descriptor_, piece, sizeof piece, 0);
    if (count <= 0) {
      ended_ = true;
      return false;
    }
    buffered_.append(piece, static_cast<std::size_t>(count));
    return true;
  }

  int descriptor_;
  std::string buffered_;
  bool ended_ = false;
};

}  // namespace s3link::test_support
