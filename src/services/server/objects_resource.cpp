#include <utility>

#include "core/s3/error_code.hpp"
#include "services/server/ours_answers.hpp"
#include "services/server/ours_resources.hpp"

namespace s3link::server {
namespace {

namespace json = boost::json;

Result<ports::ListRequest> parse_request(const Backend& backend, const s3::Fields& query) {
  ports::ListRequest out{.bucket = backend.settings.exchange_bucket,
                         .prefix = {},
                         .delimiter = {},
                         .start_after = {},
                         .max_entries = 1000};
  for (const auto& [name, value] : query) {
    if (name == "bucket") {
      auto bucket = s3::BucketName::parse(value);
      if (!bucket) return s3::refuse(s3::ErrorCode::invalid_argument, "bucket: not a bucket's name");
      out.bucket = std::move(*bucket);
    } else if (name == "prefix") {
      out.prefix = value;
    } else if (name == "after") {
      out.start_after = value;
    } else if (name == "limit") {
      const auto limit = parse_limit(value);
      if (!limit) return std::unexpected(limit.error());
      out.max_entries = *limit;
    }
  }
  return out;
}

json::object to_json(const ports::ObjectInfo& object) {
  return {{"key", object.key.text()},
          {"size_bytes", object.size_bytes},
          {"etag", object.etag},
          {"modified", iso8601(object.modified)},
          {"removed_at", instant_or_null(object.removed_at)}};
}

}  // namespace

Awaitable<Status> perform_objects(Backend& backend, Exchange& exchange) {
  if (exchange.request().method != "GET" && !exchange.is_head()) {
    co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  }
  const auto query = authenticate_query(backend, exchange);
  if (!query) co_return co_await refuse_json(exchange, query.error());
  auto request = parse_request(backend, *query);
  if (!request) co_return co_await refuse_json(exchange, request.error());
  const auto page = co_await backend.store.list_objects(std::move(*request));
  if (!page) co_return co_await refuse_json(exchange, page.error());
  json::array objects;
  for (const auto& object : page->objects) objects.push_back(to_json(object));
  co_return co_await exchange.answer_json(
      200, json::serialize(json::object{{"objects", std::move(objects)},
                                        {"next", page->truncated ? json::value(page->last) : json::value(nullptr)}}));
}

}  // namespace s3link::server
