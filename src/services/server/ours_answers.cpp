#include "services/server/ours_answers.hpp"

#include <charconv>
#include <utility>

#include "core/s3/error_code.hpp"
#include "core/sigv4/canonical_request.hpp"

namespace s3link::server {

namespace json = boost::json;

std::string error_document(std::string_view code, std::string_view message) {
  return json::serialize(json::object{{"error", {{"code", code}, {"message", message}}}});
}

Awaitable<Status> refuse_json(Exchange& exchange, Error error) {
  const auto told = s3::to_answer(error);
  exchange.note_failure(error);
  exchange.record().error_code = told.code;
  co_return co_await exchange.answer_json(told.status, error_document(told.code, told.message));
}

json::value instant_or_null(const std::optional<Instant>& when) {
  return when ? json::value(iso8601(*when)) : json::value(nullptr);
}

Result<s3::Fields> authenticate_query(Backend& backend, Exchange& exchange) {
  const auto& request = exchange.request();
  auto verified = backend.verify(request, exchange.now(), request.method != "POST");
  if (!verified) return std::unexpected(verified.error());
  exchange.verified = std::move(*verified);
  auto target = sigv4::parse_target(request.target);
  if (!target) return std::unexpected(target.error());
  return std::move(target->query);
}

Result<std::size_t> parse_limit(std::string_view text) {
  std::size_t limit = 0;
  const char* const last = text.data() + text.size();
  const auto [end, ec] = std::from_chars(text.data(), last, limit);
  if (ec != std::errc{} || end != last || limit < 1 || limit > 1000) {
    return s3::refuse(s3::ErrorCode::invalid_argument, "limit: not a whole number of 1 to 1000");
  }
  return limit;
}

}  // namespace s3link::server
