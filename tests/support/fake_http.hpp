#pragma once

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <string>
#include <utility>

#include "core/base/encoding.hpp"
#include "ports/http_handler.hpp"

namespace s3link::test_support {

/// A body that is all there, handed out in pieces.
class FakeRequestBody final : public ports::HttpRequestBody {
 public:
  explicit FakeRequestBody(std::string bytes = {}) : bytes_(std::move(bytes)), declared(bytes_.size()) {}

  std::optional<std::uint64_t> declared_length() const override { return declared; }
  Awaitable<Result<std::span<const std::byte>>> read() override {
    was_read = true;
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    const std::size_t count = std::min(piece, bytes_.size() - at_);
    if (count == 0 && failure) co_return std::unexpected(*failure);
    const auto out = as_bytes(std::string_view(bytes_).substr(at_, count));
    at_ += count;
    co_return out;
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;

 public:
  std::optional<std::uint64_t> declared;  ///< empty: Transfer-Encoding: chunked
  std::size_t piece = std::size_t{256} * 1024;
  std::optional<Error> failure;  ///< given where the end would be
  bool was_read = false;
};

/// Keeps the one response that was written.
class FakeResponseWriter final : public ports::HttpResponseWriter {
 public:
  Awaitable<Status> head(unsigned status_code, ports::HttpFields head_fields, std::uint64_t body_length) override {
    ++answers;
    status = status_code;
    fields = std::move(head_fields);
    length = body_length;
    co_return Status{};
  }
  Awaitable<Status> whole(unsigned status_code, ports::HttpFields head_fields, std::string text) override {
    ++answers;
    status = status_code;
    fields = std::move(head_fields);
    length = text.size();
    body = std::move(text);
    co_return Status{};
  }
  Awaitable<Status> write(std::span<const std::byte> data) override {
    if (failure) co_return std::unexpected(*failure);
    body += as_text(data);
    co_return Status{};
  }

  /// The field's value, or "".
  std::string field(std::string_view name) const {
    const auto* const value = ports::find_field(fields, name);
    return value == nullptr ? std::string() : *value;
  }

  int answers = 0;  ///< must be 1
  unsigned status = 0;
  ports::HttpFields fields;
  std::uint64_t length = 0;
  std::string body;
  std::optional<Error> failure;  ///< what write() says
};

}  // namespace s3link::test_support
