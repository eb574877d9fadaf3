#include "adapters/http_client/answer.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>

namespace s3link::http_client {

namespace {

namespace http = boost::beast::http;

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::uint32_t kMaxHead = 64 * 1024;
constexpr unsigned kMaxInterim = 16;

std::unexpected<Error> not_understood(const std::string& reason) {
  return fail(ErrorKind::invalid_argument, "the answer is not understood: " + reason, "unknown");
}

}  // namespace

struct Answer::Parser {
  boost::beast::flat_buffer buffer;
  std::optional<http::response_parser<http::string_body>> message;

  void begin(bool head_only) {
    message.emplace();
    message->eager(true);
    message->header_limit(kMaxHead);
    message->body_limit(kMaxBody);
    message->skip(head_only);
  }
};

Answer::Answer(bool head_only) : head_only_(head_only), parser_(std::make_unique<Parser>()) {
  parser_->begin(head_only_);
}

Answer::~Answer() = default;

std::span<char> Answer::space() {
  const auto room = parser_->buffer.prepare(kReadBytes);
  return {static_cast<char*>(room.data()), room.size()};
}

Status Answer::take(std::size_t count) {
  anything_ = anything_ || count > 0;
  parser_->buffer.commit(count);
  return parse();
}

Status Answer::parse() {
  auto& [buffer, message] = *parser_;
  while (!message->is_done() && buffer.size() > 0) {
    boost::system::error_code error;
    const std::size_t used = message->put(buffer.data(), error);
    buffer.consume(used);
    if (error == http::error::need_more) return {};
    if (error == http::error::body_limit) return not_understood("larger than 8 MiB");
    if (error) return not_understood(error.message());
    if (message->is_done() && message->get().result_int() / 100 == 1) {
      continues_ = continues_ || message->get().result_int() == 100;
      if (++interim_ > kMaxInterim) return not_understood("too many interim answers");
      parser_->begin(head_only_);
    } else if (used == 0) {
      return {};
    }
  }
  return {};
}

Status Answer::end() {
  boost::system::error_code error;
  if (parser_->message->got_some()) parser_->message->put_eof(error);
  if (!error && done()) return {};
  return fail(ErrorKind::transient, "the connection ended before the answer did", "unknown");
}

bool Answer::head_done() const { return parser_->message->is_header_done(); }

bool Answer::done() const { return parser_->message->is_done(); }

bool Answer::reusable() const { return done() && parser_->buffer.size() == 0 && parser_->message->get().keep_alive(); }

ports::HttpClientResponse Answer::release() {
  auto message = parser_->message->release();
  ports::HttpClientResponse response{message.result_int(), {}, std::move(message.body())};
  for (const auto& field : message) response.fields.emplace_back(field.name_string(), field.value());
  return response;
}

}  // namespace s3link::http_client
