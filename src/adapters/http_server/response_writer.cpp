#include "adapters/http_server/response_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/beast/http/status.hpp>
#include <iterator>

#include "core/base/encoding.hpp"

namespace s3link::http_server {

namespace {

// Said by the server alone.
constexpr std::array<std::string_view, 5> kOwnFields = {"Connection", "Content-Length", "Date", "Server",
                                                        "Transfer-Encoding"};

bool is_own(std::string_view name) {
  return std::ranges::any_of(kOwnFields, [name](std::string_view own) { return equals_ignoring_case(own, name); });
}

// A line break in a field would begin another one (response splitting).
bool is_safe(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char character : text) {
    switch (character) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += character;
    }
  }
  return escaped;
}

std::unexpected<Error> misuse(const char* message) { return fail(ErrorKind::internal, message); }

}  // namespace

std::string error_document(std::string_view code, std::string_view message) {
  return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{}</Message></Error>",
                     code, escape_xml(message));
}

ResponseWriter::ResponseWriter(Channel& channel, Loop& loop, const ServerOptions& options, Request request,
                               const RequestBody* body)
    : channel_(channel), loop_(loop), options_(options), request_(request), body_(body) {}

Status ResponseWriter::begin(unsigned status, const ports::HttpFields& fields, std::uint64_t length) {
  if (state_ != State::none) return misuse("a response was begun twice");
  if (status < 200 || status > 599) return misuse("a response needs a status of 200 to 599");
  for (const auto& [name, value] : fields) {
    if (!is_safe(name) || !is_safe(value)) return misuse("a response field holds a line break");
  }
  const bool no_content = status == 204 || status == 304;
  keep_alive_ = request_.keep_alive && !loop_.stopping() && body_ != nullptr && body_->drainable();

  head_.reserve(512);
  auto out = std::back_inserter(head_);
  const auto reason = boost::beast::http::obsolete_reason(boost::beast::http::int_to_status(status));
  fmt::format_to(out, "HTTP/1.1 {} {}\r\n", status, std::string_view(reason.data(), reason.size()));
  for (const auto& [name, value] : fields) {
    if (is_own(name)) continue;
    head_ += name;
    head_ += ": ";
    head_ += value;
    head_ += "\r\n";
  }
  if (!no_content) fmt::format_to(out, "Content-Length: {}\r\n", length);
  head_ += "Date: ";
  head_ += loop_.date();
  head_ += "\r\nServer: s3link\r\n";
  if (!keep_alive_) head_ += "Connection: close\r\n";
  head_ += "\r\n";
  left_ = no_content || request_.head_only ? 0 : length;
  state_ = State::head_held;
  return {};
}

Awaitable<Status> ResponseWriter::send(std::span<const std::byte> data) {
  state_ = State::sending;
  const Outcome outcome = co_await channel_.write(head_, data, options_.write_timeout);
  head_.clear();
  if (outcome != Outcome::done) {
    state_ = State::broken;
    co_return fail(ErrorKind::transient,
                   outcome == Outcome::timed_out ? "the client reads too slowly" : "the client is gone");
  }
  left_ -= data.size();
  if (left_ == 0) state_ = State::complete;
  co_return Status{};
}

Awaitable<Status> ResponseWriter::head(unsigned status, ports::HttpFields fields, std::uint64_t length) {
  if (const auto begun = begin(status, fields, length); !begun) co_return begun;
  if (left_ > 0) co_return Status{};
  co_return co_await send({});
}

Awaitable<Status> ResponseWriter::whole(unsigned status, ports::HttpFields fields, std::string body) {
  if (const auto begun = begin(status, fields, body.size()); !begun) co_return begun;
  co_return co_await send(as_bytes(body).first(static_cast<std::size_t>(left_)));
}

Awaitable<Status> ResponseWriter::write(std::span<const std::byte> data) {
  if (state_ == State::none) co_return misuse("a response body without a head");
  if (state_ == State::broken) co_return fail(ErrorKind::transient, "the client is gone");
  if (data.empty() || (state_ == State::complete && request_.head_only)) co_return Status{};
  if (data.size() > left_) {
    state_ = State::broken;
    co_return misuse("a response body is longer than announced");
  }
  co_return co_await send(data);
}

Awaitable<void> ResponseWriter::replace(unsigned status, std::string_view code, std::string message) {
  state_ = State::none;
  head_.clear();
  body_ = nullptr;
  co_await whole(status, {{"Content-Type", "application/xml"}}, error_document(code, message));
}

}  // namespace s3link::http_server
