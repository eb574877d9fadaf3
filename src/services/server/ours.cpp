#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "core/s3/error_code.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "services/server/handlers.hpp"

namespace s3link::server {
namespace {

namespace json = boost::json;

std::string error_document(std::string_view code, std::string_view message) {
  return json::serialize(json::object{{"error", {{"code", code}, {"message", message}}}});
}

Awaitable<Status> refuse_json(Exchange& exchange, Error error) {
  const auto told = s3::to_answer(error);
  co_return co_await exchange.answer_json(told.status, error_document(told.code, told.message));
}

json::value instant_or_null(const std::optional<Instant>& when) {
  return when ? json::value(iso8601(*when)) : json::value(nullptr);
}

json::object to_json(const ports::DeliveryRow& row) {
  return {{"event_id", row.event_id},
          {"state", row.state},
          {"bucket", row.bucket},
          {"key", row.key},
          {"sequencer", row.sequencer},
          {"recipient", row.recipient},
          {"message_id", row.message_id},
          {"detail", row.detail},
          {"attempts", row.attempts},
          {"created", iso8601(row.created)},
          {"when", instant_or_null(row.when)},
          {"deadline", instant_or_null(row.deadline)}};
}

Result<ports::DeliveryFilter> parse_filter(const s3::Fields& query) {
  ports::DeliveryFilter filter;
  for (const auto& [name, value] : query) {
    if (name == "state") {
      if (value != "pending" && value != "delivered" && value != "dead" && value != "dropped") {
        return s3::refuse(s3::ErrorCode::invalid_argument, "state: not pending, delivered, dead or dropped");
      }
      filter.state = value;
    } else if (name == "bucket") {
      filter.bucket = value;
    } else if (name == "key") {
      filter.key = value;
    } else if (name == "sequencer") {
      filter.sequencer = value;
    } else if (name == "limit") {
      const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), filter.limit);
      if (ec != std::errc{} || end != value.data() + value.size() || filter.limit < 1 || filter.limit > 1000) {
        return s3::refuse(s3::ErrorCode::invalid_argument, "limit: not a whole number of 1 to 1000");
      }
    }
  }
  return filter;
}

Awaitable<Status> list_deliveries(Backend& backend, Exchange& exchange) {
  const auto& request = exchange.request();
  auto verified = backend.verifier.verify({request.method, request.target, request.fields}, exchange.now());
  if (!verified) co_return co_await refuse_json(exchange, verified.error());
  const auto target = sigv4::parse_target(request.target);
  if (!target) co_return co_await refuse_json(exchange, target.error());
  auto filter = parse_filter(target->query);
  if (!filter) co_return co_await refuse_json(exchange, filter.error());
  const auto rows = co_await backend.deliveries.list(std::move(*filter));
  if (!rows) co_return co_await refuse_json(exchange, rows.error());
  json::array deliveries;
  for (const auto& row : *rows) deliveries.push_back(to_json(row));
  co_return co_await exchange.answer_json(200, json::serialize(json::object{{"deliveries", std::move(deliveries)}}));
}

}  // namespace

Awaitable<Status> perform_ours(Backend& backend, Exchange& exchange) {
  const std::string_view target = exchange.request().target;
  const std::string_view path = target.substr(0, target.find('?'));
  const bool known = path == "/_/healthz" || path == "/_/readyz" || path == "/_/api/v1/deliveries";
  if (known) exchange.record().operation = path;
  if (!known) co_return co_await exchange.answer_json(404, error_document("NotFound", "There is nothing here."));
  if (exchange.request().method != "GET" && !exchange.is_head()) {
    co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  }
  if (path == "/_/healthz") co_return co_await exchange.answer_json(200, R"({"status":"ok"})");
  if (path == "/_/readyz") {
    const Status writable = backend.store.writable();
    if (writable) co_return co_await exchange.answer_json(200, R"({"status":"ready"})");
    co_return co_await exchange.answer_json(503, error_document("NotReady", writable.error().message));
  }
  co_return co_await list_deliveries(backend, exchange);
}

}  // namespace s3link::server
