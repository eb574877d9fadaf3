#include <utility>

#include "core/mail/address.hpp"
#include "core/s3/error_code.hpp"
#include "core/trace/trace_context.hpp"
#include "services/server/dead_letter_selection.hpp"
#include "services/server/ours_answers.hpp"
#include "services/server/ours_resources.hpp"

namespace s3link::server {
namespace {

namespace json = boost::json;

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
          {"deadline", instant_or_null(row.deadline)},
          {"trace", trace::xray_id_of(row.trace)}};
}

/// "EVENT/RECIPIENT", of the last row that was shown.
std::string cursor_of(const ports::DeliveryRow& row) { return std::to_string(row.event_id) + "/" + row.recipient; }

bool read_cursor(std::string_view text, ports::DeliveryFilter& filter) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const auto event = parse_dead_letter_id(text.substr(0, slash));
  if (!event) return false;
  filter.after_event = *event;
  filter.after_recipient = text.substr(slash + 1);
  return true;
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
    } else if (name == "recipient") {
      const auto address = mail::Address::parse_utf8(value);  // written as it is stored
      filter.recipient = address ? address->text() : value;
    } else if (name == "since" || name == "until") {
      const auto when = parse_iso8601(value);
      if (!when) return s3::refuse(s3::ErrorCode::invalid_argument, name + ": not a time like 2026-12-08T14:00:00Z");
      (name == "since" ? filter.since : filter.until) = *when;
    } else if (name == "after") {
      if (!read_cursor(value, filter)) {
        return s3::refuse(s3::ErrorCode::invalid_argument, "after: not what a list's \"next\" was");
      }
    } else if (name == "limit") {
      const auto limit = parse_limit(value);
      if (!limit) return std::unexpected(limit.error());
      filter.limit = *limit;
    }
  }
  return filter;
}

}  // namespace

Awaitable<Status> perform_deliveries(Backend& backend, Exchange& exchange) {
  if (exchange.request().method != "GET" && !exchange.is_head()) {
    co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  }
  const auto query = authenticate_query(backend, exchange);
  if (!query) co_return co_await refuse_json(exchange, query.error());
  auto filter = parse_filter(*query);
  if (!filter) co_return co_await refuse_json(exchange, filter.error());
  const std::size_t limit = filter->limit++;  // one more shows whether there are more
  auto rows = co_await backend.deliveries.list(std::move(*filter));
  if (!rows) co_return co_await refuse_json(exchange, rows.error());
  const bool cut = rows->size() > limit;
  if (cut) rows->resize(limit);
  json::array deliveries;
  for (const auto& row : *rows) deliveries.push_back(to_json(row));
  co_return co_await exchange.answer_json(
      200, json::serialize(json::object{{"deliveries", std::move(deliveries)},
                                        {"next", cut ? json::value(cursor_of(rows->back())) : json::value(nullptr)}}));
}

}  // namespace s3link::server
