#include "adapters/otlp/answer.hpp"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>
#include <string_view>

#include "core/base/foreign_text.hpp"

namespace s3link::otlp {
namespace {

namespace json = boost::json;

/// Of a collector's own words.
constexpr std::size_t kMaxReason = 500;

constexpr std::array kRetryable = {429U, 502U, 503U, 504U};

/// Seconds or a date (RFC 9110 §10.2.3).
std::optional<std::chrono::milliseconds> read_retry_after(const ports::HttpFields& fields, Instant now) {
  const std::string* const text = ports::find_field(fields, "Retry-After");
  if (text == nullptr) return std::nullopt;
  if (const auto when = parse_http_date(*text)) return std::max(*when - now, std::chrono::milliseconds(0));
  std::uint32_t count = 0;
  const char* const last = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), last, count);
  if (error != std::errc{} || end != last) return std::nullopt;
  return std::chrono::seconds(count);
}

/// A 64-bit number, which JSON may write as a string.
std::uint64_t read_count(const json::value& value) {
  if (value.is_string()) {
    std::uint64_t count = 0;
    const std::string_view text = value.get_string();
    std::from_chars(text.data(), text.data() + text.size(), count);
    return count;
  }
  boost::system::error_code error;
  const auto count = value.to_number<std::uint64_t>(error);
  return error ? 0 : count;
}

/// ExportTraceServiceResponse. What is not JSON, or says nothing of it, is full success.
Verdict read_success(const std::string& body) {
  Verdict out;
  boost::system::error_code error;
  const json::value document = json::parse(body, error);
  if (error || !document.is_object()) return out;
  const json::value* const partial = document.get_object().if_contains("partialSuccess");
  if (partial == nullptr || !partial->is_object()) return out;
  if (const json::value* const rejected = partial->get_object().if_contains("rejectedSpans")) {
    out.rejected = read_count(*rejected);
  }
  const json::value* const message = partial->get_object().if_contains("errorMessage");
  if (message != nullptr && message->is_string()) out.reason = foreign_line(message->get_string(), kMaxReason);
  return out;
}

}  // namespace

Verdict judge(const Result<ports::HttpClientResponse>& answer, Instant now) {
  if (!answer) {
    const bool passing = answer.error().kind == ErrorKind::transient;
    return {.kind = passing ? Verdict::Kind::again : Verdict::Kind::refused, .reason = answer.error().message};
  }
  if (answer->status >= 200 && answer->status < 300) return read_success(answer->body);
  const bool passing = std::ranges::find(kRetryable, answer->status) != kRetryable.end();
  return {.kind = passing ? Verdict::Kind::again : Verdict::Kind::refused,
          .wait = passing ? read_retry_after(answer->fields, now) : std::nullopt,
          .reason = "the collector answers " + std::to_string(answer->status)};
}

}  // namespace s3link::otlp
