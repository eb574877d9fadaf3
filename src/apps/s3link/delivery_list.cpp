#include "apps/s3link/delivery_list.hpp"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace s3link::app {
namespace {

namespace json = boost::json;

std::string text_of(const json::object& row, std::string_view name) {
  const json::value* const value = row.if_contains(name);
  return value && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<Instant> instant_of(const json::object& row, std::string_view name) {
  return parse_iso8601(text_of(row, name));
}

std::int64_t number_of(const json::object& row, std::string_view name) {
  const json::value* const value = row.if_contains(name);
  boost::system::error_code ignored;
  return value ? value->to_number<std::int64_t>(ignored) : 0;
}

}  // namespace

Result<DeliveryList> parse_deliveries(std::string text) {
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::value* const list =
      !error && document.is_object() ? document.get_object().if_contains("deliveries") : nullptr;
  if (!list || !list->is_array()) return fail(ErrorKind::internal, "the server's answer is not a list of deliveries");
  std::vector<ports::DeliveryRow> rows;
  for (const json::value& value : list->get_array()) {
    if (!value.is_object()) return fail(ErrorKind::internal, "the server's answer is not a list of deliveries");
    const json::object& row = value.get_object();
    rows.push_back({.event_id = number_of(row, "event_id"),
                    .state = text_of(row, "state"),
                    .bucket = text_of(row, "bucket"),
                    .key = text_of(row, "key"),
                    .sequencer = text_of(row, "sequencer"),
                    .recipient = text_of(row, "recipient"),
                    .message_id = text_of(row, "message_id"),
                    .detail = text_of(row, "detail"),
                    .attempts = static_cast<unsigned>(number_of(row, "attempts")),
                    .created = instant_of(row, "created").value_or(Instant{}),
                    .when = instant_of(row, "when"),
                    .deadline = instant_of(row, "deadline"),
                    .trace = text_of(row, "trace")});
  }
  std::string next = text_of(document.get_object(), "next");
  return DeliveryList{std::move(text), std::move(rows), std::move(next)};
}

Awaitable<Result<DeliveryList>> list_deliveries(ApiClient& api, DeliveryQuery query) {
  ApiRequest request{.path = "/_/api/v1/deliveries"};
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) request.query.emplace_back(name, value);
  };
  const ports::DeliveryFilter& filter = query.filter;
  add("state", filter.state);
  add("bucket", filter.bucket);
  add("key", filter.key);
  add("sequencer", filter.sequencer);
  add("recipient", filter.recipient);
  if (filter.since) add("since", iso8601(*filter.since));
  if (filter.until) add("until", iso8601(*filter.until));
  add("after", query.after);
  add("limit", std::to_string(filter.limit));
  auto response = co_await api.call(std::move(request), true, 3);
  if (!response) co_return std::unexpected(response.error());
  co_return parse_deliveries(std::move(response->body));
}

}  // namespace s3link::app
