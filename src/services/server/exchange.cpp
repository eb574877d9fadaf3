#include "services/server/exchange.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/xml_writer.hpp"

namespace s3link::server {
namespace {

std::string random_bytes(ports::Random& random, std::size_t count) {
  std::string out(count, '\0');
  random.fill(std::as_writable_bytes(std::span(out)));
  return out;
}

/// Sixteen upper-case hexadecimal digits, as S3's.
std::string make_request_id(ports::Random& random) {
  std::string id = hex_encode(random_bytes(random, 8));
  std::ranges::transform(id, id.begin(), [](char c) { return c >= 'a' && c <= 'f' ? static_cast<char>(c - 32) : c; });
  return id;
}

trace::TraceContext trace_of(const ports::HttpRequestHead& request, ports::Random& random, Instant now, double sample) {
  std::array<std::byte, 12> fresh{};
  random.fill(fresh);
  return trace::trace_of_request(ports::find_field(request.fields, "X-Amzn-Trace-Id"),
                                 ports::find_field(request.fields, "traceparent"), trace::make_trace_id(now, fresh),
                                 sample);
}

}  // namespace

Exchange::Exchange(const ports::HttpRequestHead& request, ports::HttpRequestBody& body,
                   ports::HttpResponseWriter& response, ports::Random& random, ports::Clock& clock, double trace_sample)
    : request_(request), response_(response), clock_(clock), began_(clock.steady_now()), body_(body, clock, record_) {
  record_.received = clock.now();
  record_.request_id = make_request_id(random);
  record_.host_id = base64_encode(random_bytes(random, 24));
  record_.trace = trace_of(request, random, record_.received, trace_sample);
  random.fill(record_.segment.bytes);
}

std::string Exchange::trace_header() const {
  return trace::xray_header({record_.trace.trace, record_.segment, record_.trace.sampled});
}

Awaitable<Result<std::span<const std::byte>>> Exchange::CountedBody::read() {
  auto piece = co_await body_.read();
  if (piece) record_.bytes_received += piece->size();
  last_read_ = clock_.steady_now();
  co_return piece;
}

void Exchange::note_answer(unsigned status) {
  answered_ = true;
  record_.status = status;
  record_.turn_around = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady_now() - body_.last_read());
}

void Exchange::note_failure(const Error& error) {
  // After the head is out, a transient error is a client that went away or is too slow.
  const bool ours = error.kind == ErrorKind::internal || error.kind == ErrorKind::corrupt || !answered_;
  if (ours && s3::to_answer(error).status >= 500) record_.failure = error.message;
}

const RequestRecord& Exchange::finish() {
  record_.requester = verified.access_key_id;
  record_.presigned = verified.presigned;
  record_.total = std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady_now() - began_);
  return record_;
}

ports::HttpFields Exchange::with_common(ports::HttpFields fields) const {
  // Whoever says nothing of caches means none: an error ends, and a shared cache does not know who may see what a
  // presigned URL led to, and until when.
  const bool cacheable = record_.status < 400 && !verified.presigned;
  if (!cacheable && ports::find_field(fields, "Cache-Control") == nullptr) {
    fields.emplace_back("Cache-Control", "no-store");
  }
  fields.emplace_back("x-amz-request-id", record_.request_id);
  fields.emplace_back("x-amz-id-2", record_.host_id);
  fields.emplace_back("x-amzn-trace-id", trace::xray_header({record_.trace.trace, {}, record_.trace.sampled}));
  fields.emplace_back("X-Content-Type-Options", "nosniff");
  return fields;
}

Awaitable<Status> Exchange::answer(unsigned status, ports::HttpFields fields, std::string body) {
  note_answer(status);
  if (is_head()) co_return co_await response_.head(status, with_common(std::move(fields)), body.size());
  record_.bytes_sent = body.size();
  co_return co_await response_.whole(status, with_common(std::move(fields)), std::move(body));
}

Awaitable<Status> Exchange::answer_xml(std::string document, ports::HttpFields fields) {
  fields.emplace_back("Content-Type", "application/xml");
  co_return co_await answer(200, std::move(fields), std::move(document));
}

Awaitable<Status> Exchange::answer_json(unsigned status, std::string document) {
  co_return co_await answer_text(status, "application/json", std::move(document));
}

Awaitable<Status> Exchange::answer_text(unsigned status, std::string_view content_type, std::string text) {
  ports::HttpFields fields = {{"Content-Type", std::string(content_type)}, {"Cache-Control", "no-store"}};
  co_return co_await answer(status, std::move(fields), std::move(text));
}

Awaitable<Status> Exchange::begin(unsigned status, ports::HttpFields fields, std::uint64_t length) {
  note_answer(status);
  co_return co_await response_.head(status, with_common(std::move(fields)), length);
}

Awaitable<Status> Exchange::write(std::span<const std::byte> data) {
  auto written = co_await response_.write(data);
  if (written) record_.bytes_sent += data.size();
  co_return written;
}

Awaitable<Status> Exchange::answer_error(Error error, std::string region) {
  const auto told = s3::to_answer(error);
  record_.error_code = told.code;
  if (told.status == 304) co_return co_await answer(304);
  s3::XmlWriter xml("Error", s3::XmlWriter::Namespace::none);
  xml.element("Code", told.code);
  xml.element("Message", told.message);
  // A client that signed for another region finds the right one; that of a HEAD in the head only.
  const bool tells_region = !region.empty() && (told.code == "AuthorizationHeaderMalformed" ||
                                                told.code == "AuthorizationQueryParametersError");
  if (tells_region) xml.element("Region", region);
  const std::string_view target = request_.target;
  const std::string_view path = target.substr(0, target.find('?'));
  xml.element("Resource", is_utf8(path) ? path : std::string_view("/"));
  xml.element("RequestId", record_.request_id);
  xml.element("HostId", record_.host_id);
  ports::HttpFields fields;
  if (told.status == 503) fields.emplace_back("Retry-After", "1");
  if (tells_region) fields.emplace_back("x-amz-bucket-region", region);
  if (told.status == 416 && record_.object_size) {
    fields.emplace_back("Content-Range", "bytes */" + std::to_string(*record_.object_size));  // RFC 9110 §15.5.17
  }
  if (is_head()) co_return co_await answer(told.status, std::move(fields));
  fields.emplace_back("Content-Type", "application/xml");
  co_return co_await answer(told.status, std::move(fields), xml.finish());
}

}  // namespace s3link::server
