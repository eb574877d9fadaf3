#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/sigv4/verify.hpp"
#include "ports/clock.hpp"
#include "ports/http_handler.hpp"
#include "ports/random.hpp"
#include "services/server/request_observer.hpp"

namespace s3link::server {

/// One request and its one answer. Every answer carries the request ids, the trace and "nosniff"; a HEAD gets no body.
/// A handler's Status is an error only as long as nothing was answered, or for a client that went away: then there is
/// nothing left to say.
class Exchange {
 public:
  Exchange(const ports::HttpRequestHead& request, ports::HttpRequestBody& body, ports::HttpResponseWriter& response,
           ports::Random& random, ports::Clock& clock, double trace_sample);

  const ports::HttpRequestHead& request() const noexcept { return request_; }
  /// Not before the request was authenticated.
  ports::HttpRequestBody& body() noexcept { return body_; }
  const std::string& request_id() const noexcept { return record_.request_id; }
  /// The trace with this request as parent, in the form of X-Amzn-Trace-Id.
  std::string trace_header() const;
  /// When the request came.
  Instant now() const noexcept { return record_.received; }
  bool is_head() const noexcept { return request_.method == "HEAD"; }
  bool answered() const noexcept { return answered_; }

  /// Who sent it; set once it is known.
  sigv4::Verified verified;

  /// What is known of the request so far; whoever learns more fills it in.
  RequestRecord& record() noexcept { return record_; }
  /// Notes what went wrong, for the log, where it is no fault of the client's.
  void note_failure(const Error& error);
  /// Once it is over: the record, complete.
  const RequestRecord& finish();

  Awaitable<Status> answer(unsigned status, ports::HttpFields fields = {}, std::string body = {});
  Awaitable<Status> answer_xml(std::string document, ports::HttpFields fields = {});
  Awaitable<Status> answer_json(unsigned status, std::string document);
  /// Not to be kept by caches. `content_type` is constant.
  Awaitable<Status> answer_text(unsigned status, std::string_view content_type, std::string text);
  /// The head alone; `length` bytes follow by write(), none for HEAD.
  Awaitable<Status> begin(unsigned status, ports::HttpFields fields, std::uint64_t length);
  Awaitable<Status> write(std::span<const std::byte> data);

  /// S3's error document. `region` is told where a client can use it to sign again.
  Awaitable<Status> answer_error(Error error, std::string region);

 private:
  /// The request's body, with a count of its bytes and the moment of the last.
  class CountedBody final : public ports::HttpRequestBody {
   public:
    CountedBody(ports::HttpRequestBody& body, ports::Clock& clock, RequestRecord& record)
        : body_(body), clock_(clock), record_(record), last_read_(clock.steady_now()) {}
    std::optional<std::uint64_t> declared_length() const override { return body_.declared_length(); }
    Awaitable<Result<std::span<const std::byte>>> read() override;
    std::chrono::steady_clock::time_point last_read() const noexcept { return last_read_; }

   private:
    ports::HttpRequestBody& body_;
    ports::Clock& clock_;
    RequestRecord& record_;
    std::chrono::steady_clock::time_point last_read_;
  };

  ports::HttpFields with_common(ports::HttpFields fields) const;
  void note_answer(unsigned status);

  const ports::HttpRequestHead& request_;
  ports::HttpResponseWriter& response_;
  ports::Clock& clock_;
  RequestRecord record_;
  const std::chrono::steady_clock::time_point began_;
  CountedBody body_;
  bool answered_ = false;
};

}  // namespace s3link::server
