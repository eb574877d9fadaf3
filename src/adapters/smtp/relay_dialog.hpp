#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/smtp/relay_handle.hpp"
#include "adapters/smtp/smtp_reply.hpp"

namespace s3link::smtp {

/// A conversation with a relay, command by command, over a connection that libcurl made and encrypted. After any error
/// but a refusal the two sides may no longer mean the same command by a reply: nothing more can be said then.
/// Blocks, each step as long as the timeouts let it. Thread safety: one thread.
class RelayDialog {
 public:
  /// Why nothing more can be said.
  enum class End { closed, timeout, nonsense, cancelled };
  struct OpenFailure {
    bool encryption = false;  ///< else the way to the relay, or its greeting
    Error error;              ///< transient or denied; code is the reply's where the relay refused
  };

  /// `settings` must outlive it.
  explicit RelayDialog(const RelaySettings& settings);
  RelayDialog(const RelayDialog&) = delete;
  RelayDialog& operator=(const RelayDialog&) = delete;

  /// Whose work it does now: once `cancelled` is true, what runs ends within about a second. It must outlive that work.
  void work_for(const std::atomic<bool>& cancelled) { cancelled_ = &cancelled; }

  /// Connects, greets, and encrypts as the settings say. Empty: done.
  std::optional<OpenFailure> open(const std::string& sender);
  /// TLS is in use.
  bool encrypted() const noexcept { return encrypted_ || ready_replies_ > 1; }
  /// What the relay says behind a keyword of its answer to EHLO (case ignored): "PLAIN LOGIN" for "AUTH". Empty: it
  /// does not offer that.
  std::optional<std::string> offer(std::string_view keyword) const;

  /// Sends one line and waits for the complete reply. Errors: transient, and ended() says why.
  Result<Reply> command(std::string_view line, std::chrono::milliseconds timeout);
  /// Sends what mail::smtp_data() made, without its answer. Errors: as command().
  Status send_message(std::string_view data, std::chrono::milliseconds block_timeout);
  Result<Reply> read_reply(std::chrono::milliseconds timeout);
  /// What it said before it went away, where that is a refusal; after an error.
  std::optional<Reply> last_words();
  /// Set after an error.
  std::optional<End> ended() const noexcept { return ended_; }
  /// The relay has said nothing since its last reply, nor closed the connection.
  bool is_quiet();
  /// QUIT, without waiting for the goodbye.
  void leave();

 private:
  struct Callbacks;
  using Clock = std::chrono::steady_clock;

  bool is_cancelled() const noexcept { return cancelled_ != nullptr && *cancelled_; }
  void read_opening_line(std::string_view line);
  bool must_stop_opening();
  Status send(std::string_view bytes, std::chrono::milliseconds block_timeout);
  Result<std::string> read_line();
  Status wait_for(short events);
  void wait_at_most(std::chrono::milliseconds timeout) { deadline_ = std::min(Clock::now() + timeout, end_); }
  std::unexpected<Error> end(End reason, std::string_view words);

  const RelaySettings& settings_;
  const std::atomic<bool>* cancelled_ = nullptr;
  std::string relay_;
  Clock::time_point end_;       ///< of all of it
  Clock::time_point deadline_;  ///< of the present step
  std::optional<End> ended_;
  std::array<char, 256> curl_message_{};
  ReplyReader replies_;
  std::vector<std::string> offers_;
  bool encrypted_;  ///< from the first byte
  bool connected_ = false;
  bool speaks_nonsense_ = false;
  unsigned ready_replies_ = 0;  ///< 220: the greeting, and the answer to STARTTLS (RFC 3207 §4)
  std::string unread_;          ///< came, but was not looked at yet
  RelayHandle easy_;            ///< last: its destruction still calls back
};

}  // namespace s3link::smtp
