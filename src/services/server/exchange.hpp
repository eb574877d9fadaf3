#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/sigv4/verify.hpp"
#include "ports/http_handler.hpp"
#include "ports/random.hpp"

namespace s3link::server {

/// One request and its one answer. Every answer carries the request ids and "nosniff"; a HEAD gets no body.
/// A handler's Status is an error only as long as nothing was answered, or for a client that went away: then there is
/// nothing left to say.
class Exchange {
 public:
  Exchange(const ports::HttpRequestHead& request, ports::HttpRequestBody& body, ports::HttpResponseWriter& response,
           ports::Random& random, Instant now);

  const ports::HttpRequestHead& request() const noexcept { return request_; }
  /// Not before the request was authenticated.
  ports::HttpRequestBody& body() const noexcept { return body_; }
  const std::string& request_id() const noexcept { return request_id_; }
  /// When the request came.
  Instant now() const noexcept { return now_; }
  bool is_head() const noexcept { return request_.method == "HEAD"; }
  bool answered() const noexcept { return answered_; }

  /// Who sent it; set once it is known.
  sigv4::Verified verified;

  Awaitable<Status> answer(unsigned status, ports::HttpFields fields = {}, std::string body = {});
  Awaitable<Status> answer_xml(std::string document, ports::HttpFields fields = {});
  Awaitable<Status> answer_json(unsigned status, std::string document);
  /// The head alone; `length` bytes follow by write(), none for HEAD.
  Awaitable<Status> begin(unsigned status, ports::HttpFields fields, std::uint64_t length);
  Awaitable<Status> write(std::span<const std::byte> data);

  /// S3's error document. `region` is told where a client can use it to sign again.
  Awaitable<Status> answer_error(Error error, std::string region);

 private:
  ports::HttpFields with_common(ports::HttpFields fields) const;

  const ports::HttpRequestHead& request_;
  ports::HttpRequestBody& body_;
  ports::HttpResponseWriter& response_;
  std::string request_id_;
  std::string host_id_;
  Instant now_;
  bool answered_ = false;
};

}  // namespace s3link::server
