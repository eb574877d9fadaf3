#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <string>

#include "adapters/smtp/relay_handle.hpp"

namespace s3link::smtp {

/// A conversation with a relay, command by command, over a connection that libcurl made, encrypted and logged in.
/// Blocks, until its time is over at the latest. Thread safety: one thread.
class RelayDialog {
 public:
  /// `cancelled` must outlive it; once true, what runs ends within about a second.
  RelayDialog(const RelaySettings& settings, const std::atomic<bool>& cancelled);
  RelayDialog(const RelayDialog&) = delete;
  RelayDialog& operator=(const RelayDialog&) = delete;

  /// 0, or what curl_easy_perform() returns; error() says it in words.
  int open(const std::string& sender);
  /// Of the last failure of open().
  Error error(int curl_code) const;
  /// TLS is in use.
  bool encrypted() const noexcept { return encrypted_ || ready_replies_ > 1; }

  /// Sends one line and waits for the complete reply. Errors: transient (timeout, closed, cancelled).
  Result<Reply> command(const std::string& line);
  /// QUIT, without waiting for the goodbye.
  void leave();

 private:
  struct Callbacks;
  using Clock = std::chrono::steady_clock;

  void read_line(std::string_view line);
  Status send(std::string_view bytes);
  Result<std::string> read_reply_line();
  Status wait_for(short events) const;
  std::unexpected<Error> broken(std::string_view reason) const;

  const std::atomic<bool>& cancelled_;
  mail::RelayUrl url_;
  std::string relay_;
  Clock::time_point deadline_;
  std::array<char, 256> curl_message_{};
  ReplyReader replies_;
  bool encrypted_;              ///< from the first byte
  unsigned ready_replies_ = 0;  ///< 220: the greeting, and the answer to STARTTLS (RFC 3207 §4)
  std::string unread_;          ///< came, but was not looked at yet
  RelayHandle easy_;            ///< last: its destruction still calls back
};

}  // namespace s3link::smtp
