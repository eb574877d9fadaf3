#include "adapters/smtp/relay_dialog.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "adapters/smtp/curl_option.hpp"

namespace s3link::smtp {
namespace {

using namespace std::chrono_literals;

/// A reply line is at most 512 bytes (RFC 5321 §4.5.3.1.5); some relays say more.
constexpr std::size_t kMaxLine = 4096;
/// A reply has as many lines as it likes; nobody needs this many.
constexpr int kMaxLines = 200;
/// How often a wait looks whether it is cancelled.
constexpr std::chrono::milliseconds kLook = 500ms;

}  // namespace

struct RelayDialog::Callbacks {
  static std::size_t reply(char* line, std::size_t size, std::size_t count, void* self) {
    static_cast<RelayDialog*>(self)->read_line({line, size * count});
    return size * count;
  }
  static int stop(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const RelayDialog*>(self)->cancelled_ ? 1 : 0;
  }
};

RelayDialog::RelayDialog(const RelaySettings& settings, const std::atomic<bool>& cancelled)
    : cancelled_(cancelled),
      url_(settings.url),
      relay_(relay_name(settings.url)),
      deadline_(Clock::now() + settings.timeout),
      encrypted_(settings.url.implicit_tls),
      easy_(make_relay_handle(settings, curl_message_.data())) {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_CONNECT_ONLY, 1L);
  // Here the bound of the whole is enough, and some relays make strangers wait for their greeting.
  set(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, std::max<long>(1, static_cast<long>(settings.timeout / 1s)));
  set(easy, CURLOPT_HEADERFUNCTION, &Callbacks::reply);
  set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(easy, CURLOPT_XFERINFOFUNCTION, &Callbacks::stop);
  set(easy, CURLOPT_XFERINFODATA, static_cast<void*>(this));
  set(easy, CURLOPT_NOPROGRESS, 0L);
}

int RelayDialog::open(const std::string& sender) {
  set(easy_.get(), CURLOPT_URL, relay_address(url_, sender).c_str());
  return curl_easy_perform(easy_.get());
}

Error RelayDialog::error(int curl_code) const {
  if (cancelled_) return {ErrorKind::transient, "stopped", ""};
  return relay_error(curl_code, replies_.last(), curl_message_.data(), relay_);
}

Result<Reply> RelayDialog::command(const std::string& line) {
  if (const Status sent = send(line + "\r\n"); !sent) return std::unexpected(sent.error());
  replies_.clear();
  for (int lines = 0; lines < kMaxLines; ++lines) {
    const auto answer = read_reply_line();
    if (!answer) return std::unexpected(answer.error());
    read_line(*answer);
    if (replies_.last()) return *replies_.last();
  }
  return broken("its reply has no end");
}

void RelayDialog::leave() { (void)send("QUIT\r\n"); }

void RelayDialog::read_line(std::string_view line) {
  if (line.starts_with("220 ")) ++ready_replies_;
  replies_.read_line(line);
}

Status RelayDialog::send(std::string_view bytes) {
  while (!bytes.empty()) {
    std::size_t sent = 0;
    const CURLcode code = curl_easy_send(easy_.get(), bytes.data(), bytes.size(), &sent);
    if (code == CURLE_OK) {
      bytes.remove_prefix(sent);
    } else if (code != CURLE_AGAIN) {
      return broken("it closed the connection");
    } else if (Status ready = wait_for(POLLOUT); !ready) {
      return ready;
    }
  }
  return {};
}

Result<std::string> RelayDialog::read_reply_line() {
  while (true) {
    if (const auto end = unread_.find('\n'); end != std::string::npos) {
      std::string line = unread_.substr(0, end + 1);
      unread_.erase(0, end + 1);
      return line;
    }
    if (unread_.size() > kMaxLine) return broken("a line of its reply has no end");
    std::array<char, 1024> piece{};
    std::size_t size = 0;
    const CURLcode code = curl_easy_recv(easy_.get(), piece.data(), piece.size(), &size);
    if (code == CURLE_AGAIN) {
      if (const Status ready = wait_for(POLLIN); !ready) return std::unexpected(ready.error());
    } else if (code != CURLE_OK || size == 0) {
      return broken("it closed the connection");
    }
    unread_.append(piece.data(), size);
  }
}

Status RelayDialog::wait_for(short events) const {
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket);
  if (socket == CURL_SOCKET_BAD) return broken("it closed the connection");
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (cancelled_) return broken("stopped");
    if (left <= 0ms) return broken("no answer in time");
    pollfd wanted{.fd = socket, .events = events, .revents = 0};
    if (::poll(&wanted, 1, static_cast<int>(std::min(left, kLook).count())) > 0) return {};
  }
}

std::unexpected<Error> RelayDialog::broken(std::string_view reason) const {
  return fail(ErrorKind::transient, fmt::format("relay {}: {}", relay_, reason));
}

}  // namespace s3link::smtp
