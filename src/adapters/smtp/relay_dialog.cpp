#include "adapters/smtp/relay_dialog.hpp"

#include <curl/curl.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>

#include "adapters/smtp/curl_option.hpp"
#include "core/base/encoding.hpp"
#include "core/mail/smtp_verdict.hpp"

namespace s3link::smtp {
namespace {

using namespace std::chrono_literals;

/// A reply line is at most 512 bytes (RFC 5321 §4.5.3.1.5); some relays say more.
constexpr std::size_t kMaxLine = 4096;
/// A reply has as many lines as it likes; nobody needs this many.
constexpr int kMaxLines = 200;
/// How often a wait looks whether it is cancelled.
constexpr std::chrono::milliseconds kLook = 500ms;
/// For limits of libcurl's in whose place ours are.
constexpr std::chrono::seconds kNever = 24h;

bool is_about_encryption(CURLcode code) {
  switch (code) {
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
      return true;
    default:
      return false;
  }
}

}  // namespace

struct RelayDialog::Callbacks {
  static std::size_t reply(char* line, std::size_t size, std::size_t count, void* self) {
    static_cast<RelayDialog*>(self)->read_opening_line({line, size * count});
    return size * count;
  }
  /// Asked about once a second.
  static int stop(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<RelayDialog*>(self)->must_stop_opening() ? 1 : 0;
  }
};

RelayDialog::RelayDialog(const RelaySettings& settings)
    : settings_(settings),
      relay_(relay_name(settings.url)),
      end_(settings.in_all ? Clock::now() + *settings.in_all : Clock::time_point::max()),
      deadline_(end_),
      encrypted_(settings.url.implicit_tls),
      easy_(make_relay_handle(settings, curl_message_.data())) {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_HEADERFUNCTION, &Callbacks::reply);
  set(easy, CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(easy, CURLOPT_XFERINFOFUNCTION, &Callbacks::stop);
  set(easy, CURLOPT_XFERINFODATA, static_cast<void*>(this));
  set(easy, CURLOPT_NOPROGRESS, 0L);
  set(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, static_cast<long>(kNever.count()));
}

std::optional<RelayDialog::OpenFailure> RelayDialog::open(const std::string& sender) {
  CURL* const easy = easy_.get();
  set(easy, CURLOPT_URL, relay_address(settings_, sender).c_str());
  wait_at_most(settings_.timeouts.connect);
  const CURLcode code = curl_easy_perform(easy);
  if (code == CURLE_OK) return std::nullopt;

  OpenFailure failure{.encryption = is_about_encryption(code), .error = {ErrorKind::transient, "", ""}};
  const auto& reply = replies_.last();
  const std::string_view said = curl_message_.front() != '\0' ? curl_message_.data() : curl_easy_strerror(code);
  if (is_cancelled()) {
    failure.error = end(End::cancelled, "stopped").error();
  } else if (reply && (reply->transient() || reply->permanent())) {
    ended_ = End::closed;
    failure.error = {mail::judge(mail::SmtpPhase::greeting, reply->text).kind, reply->text,
                     std::to_string(reply->code)};
  } else if (speaks_nonsense_) {
    failure.error = end(End::nonsense, "it answers with what is no reply of SMTP").error();
  } else if (code == CURLE_ABORTED_BY_CALLBACK || code == CURLE_OPERATION_TIMEDOUT) {
    failure.error = end(End::timeout, connected_ ? "no answer in time" : "no connection in time").error();
  } else if (code == CURLE_USE_SSL_FAILED) {
    failure.error =
        end(End::nonsense, fmt::format("it does not offer STARTTLS, which is required: {} (check starttls in "
                                       "{}.transport)",
                                       said, settings_.section))
            .error();
  } else {
    failure.error = end(End::closed, said).error();
  }
  return failure;
}

std::optional<std::string> RelayDialog::offer(std::string_view keyword) const {
  std::optional<std::string> out;
  for (const std::string_view line : offers_) {
    const auto keyword_end = std::min(line.find_first_of(" ="), line.size());  // "AUTH=": of before RFC 2554
    if (!equals_ignoring_case(line.substr(0, keyword_end), keyword)) continue;
    if (!out) out.emplace();
    out->append(out->empty() ? "" : " ").append(trim(line.substr(std::min(keyword_end + 1, line.size()))));
  }
  return out;
}

Result<Reply> RelayDialog::command(std::string_view line, std::chrono::milliseconds timeout) {
  if (!is_quiet()) {
    if (auto goodbye = last_words()) return std::move(*goodbye);  // a 421 may come at any time (RFC 5321 §3.8)
    if (ended_) return end(*ended_, "it closed the connection");
    return end(End::nonsense, "it speaks out of turn");
  }
  if (const Status sent = send(std::string(line) + "\r\n", timeout); !sent) {
    if (auto goodbye = last_words()) return std::move(*goodbye);
    return std::unexpected(sent.error());
  }
  return read_reply(timeout);
}

Status RelayDialog::send_message(std::string_view data, std::chrono::milliseconds block_timeout) {
  return send(data, block_timeout);
}

Result<Reply> RelayDialog::read_reply(std::chrono::milliseconds timeout) {
  wait_at_most(timeout);
  replies_.clear();
  for (int lines = 0; lines < kMaxLines; ++lines) {
    const auto line = read_line();
    if (!line) return std::unexpected(line.error());
    const auto read = replies_.read_line(*line);
    if (read == ReplyReader::Line::malformed) return end(End::nonsense, "it answers with what is no reply of SMTP");
    if (read == ReplyReader::Line::complete) {
      if (!replies_.last()) return end(End::closed, "it closes the connection");  // 221
      return *replies_.last();
    }
  }
  return end(End::nonsense, "its reply has no end");
}

std::optional<Reply> RelayDialog::last_words() {
  std::array<char, 1024> piece{};
  std::size_t size = 0;
  while (unread_.size() <= kMaxLine && curl_easy_recv(easy_.get(), piece.data(), piece.size(), &size) == CURLE_OK &&
         size > 0) {
    unread_.append(piece.data(), size);
  }
  replies_.clear();
  for (auto line_end = unread_.find('\n'); line_end != std::string::npos; line_end = unread_.find('\n')) {
    replies_.read_line(std::string_view(unread_).substr(0, line_end));
    unread_.erase(0, line_end + 1);
  }
  const auto& last = replies_.last();
  if (!last || (last->code != 421 && !(ended_ && last->code >= 400))) return std::nullopt;
  ended_ = End::closed;
  return last;
}

bool RelayDialog::is_quiet() {
  if (ended_ || !unread_.empty()) return false;
  std::array<char, 1024> piece{};
  std::size_t size = 0;
  const CURLcode code = curl_easy_recv(easy_.get(), piece.data(), piece.size(), &size);
  if (code == CURLE_AGAIN) return true;
  if (code != CURLE_OK || size == 0) ended_ = End::closed;
  unread_.append(piece.data(), size);
  return false;
}

void RelayDialog::leave() {
  if (!ended_) (void)send("QUIT\r\n", 1s);
  ended_ = End::closed;
}

void RelayDialog::read_opening_line(std::string_view line) {
  if (line.starts_with("220 ")) ++ready_replies_;
  const auto read = replies_.read_line(line);
  speaks_nonsense_ = speaks_nonsense_ || read == ReplyReader::Line::malformed;
  if (read != ReplyReader::Line::complete) return;
  deadline_ = std::min(Clock::now() + settings_.timeouts.reply, end_);
  const auto& reply = replies_.last();
  // The answer to the last EHLO is the one that counts (RFC 3207 §4.2). Its first line is a greeting.
  if (reply && reply->code == 250 && !reply->lines.empty())
    offers_.assign(reply->lines.begin() + 1, reply->lines.end());
}

bool RelayDialog::must_stop_opening() {
  curl_off_t connected = 0;
  if (!connected_ && curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME_T, &connected) == CURLE_OK && connected > 0) {
    // libcurl's limit for connecting would hold until EHLO and STARTTLS are done. From here on ours counts, which
    // begins anew with every reply.
    connected_ = true;
    wait_at_most(settings_.timeouts.reply);
    (void)curl_easy_setopt(easy_.get(), CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(kNever.count()) * 1000);
  }
  return is_cancelled() || speaks_nonsense_ || Clock::now() >= deadline_;
}

Status RelayDialog::send(std::string_view bytes, std::chrono::milliseconds block_timeout) {
  wait_at_most(block_timeout);
  while (!bytes.empty()) {
    std::size_t sent = 0;
    const CURLcode code = curl_easy_send(easy_.get(), bytes.data(), bytes.size(), &sent);
    if (code == CURLE_OK) {
      bytes.remove_prefix(sent);
      wait_at_most(block_timeout);
    } else if (code != CURLE_AGAIN) {
      return end(End::closed, "it closed the connection");
    } else if (Status ready = wait_for(POLLOUT); !ready) {
      return ready;
    }
  }
  return {};
}

Result<std::string> RelayDialog::read_line() {
  while (true) {
    if (const auto line_end = unread_.find('\n'); line_end != std::string::npos) {
      std::string line = unread_.substr(0, line_end + 1);
      unread_.erase(0, line_end + 1);
      return line;
    }
    if (unread_.size() > kMaxLine) return end(End::nonsense, "a line of its reply has no end");
    std::array<char, 1024> piece{};
    std::size_t size = 0;
    const CURLcode code = curl_easy_recv(easy_.get(), piece.data(), piece.size(), &size);
    if (code == CURLE_AGAIN) {
      if (const Status ready = wait_for(POLLIN); !ready) return std::unexpected(ready.error());
    } else if (code != CURLE_OK || size == 0) {
      return end(End::closed, "it closed the connection");
    }
    unread_.append(piece.data(), size);
  }
}

Status RelayDialog::wait_for(short events) {
  curl_socket_t socket = CURL_SOCKET_BAD;
  curl_easy_getinfo(easy_.get(), CURLINFO_ACTIVESOCKET, &socket);
  if (socket == CURL_SOCKET_BAD) return end(End::closed, "it closed the connection");
  while (true) {
    if (is_cancelled()) return end(End::cancelled, "stopped");
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(std::min<Clock::duration>(deadline_ - Clock::now(), kLook));
    if (left <= 0ms) return end(End::timeout, "no answer in time");
    pollfd wanted{.fd = socket, .events = events, .revents = 0};
    if (::poll(&wanted, 1, static_cast<int>(left.count())) > 0) return {};
  }
}

std::unexpected<Error> RelayDialog::end(End reason, std::string_view words) {
  ended_ = reason;
  return fail(ErrorKind::transient, fmt::format("relay {}: {}", relay_, words));
}

}  // namespace s3link::smtp
