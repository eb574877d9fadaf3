#include <algorithm>
#include <utility>

#include "core/s3/body_claims.hpp"
#include "core/s3/error_code.hpp"
#include "core/trace/trace_context.hpp"
#include "services/pipeline/redrive.hpp"
#include "services/server/dead_letter_selection.hpp"
#include "services/server/ours_answers.hpp"
#include "services/server/ours_resources.hpp"
#include "services/server/payload.hpp"

namespace s3link::server {
namespace {

namespace json = boost::json;

/// Of "all" and of a reason: in one request, so that its time and its answer are bounded.
constexpr std::size_t kMostAtOnce = 500;

json::object to_json(const ports::FailureReason& reason) {
  return {
      {"reason", reason.kind}, {"message", reason.message}, {"recipient", reason.recipient}, {"reply", reason.reply}};
}

json::object to_json(const ports::DeadLetter& letter) {
  json::object out = {{"id", letter.id},
                      {"bucket", letter.bucket},
                      {"key", letter.key},
                      {"created", iso8601(letter.created)},
                      {"attempts", letter.attempts},
                      {"first_failure", iso8601(letter.first_failure)},
                      {"last_failure", iso8601(letter.last_failure)},
                      {"trace", trace::xray_id_of(letter.trace)}};
  for (auto& member : to_json(letter.reason)) out.emplace(member.key(), std::move(member.value()));
  return out;
}

/// With what the list leaves out.
json::object to_whole_json(const ports::DeadLetter& letter) {
  json::object out = to_json(letter);
  json::array history;
  for (const auto& attempt : letter.history) {
    json::object item = {{"at", iso8601(attempt.at)}};
    for (auto& member : to_json(attempt.reason)) item.emplace(member.key(), std::move(member.value()));
    history.push_back(std::move(item));
  }
  out.emplace("history", std::move(history));
  boost::system::error_code error;
  json::value event = json::parse(letter.event_json, error);
  out.emplace("event", error ? json::value(letter.event_json) : std::move(event));
  return out;
}

json::value id_or_null(std::optional<std::int64_t> id) { return id ? json::value(*id) : json::value(nullptr); }

struct ListQuery {
  ports::DeadLetterFilter filter;
  std::optional<std::int64_t> after;
  std::size_t limit = 100;
};

Result<ListQuery> parse_list_query(const s3::Fields& query) {
  ListQuery out;
  for (const auto& [name, value] : query) {
    if (name == "reason") {
      out.filter.reason = value;
    } else if (name == "limit") {
      const auto limit = parse_limit(value);
      if (!limit) return std::unexpected(limit.error());
      out.limit = *limit;
    } else if (name == "after") {
      const auto after = parse_dead_letter_id(value);
      if (!after) return s3::refuse(s3::ErrorCode::invalid_argument, "after: not what a list's \"next\" was");
      out.after = *after;
    }
  }
  return out;
}

Awaitable<Status> list(Backend& backend, Exchange& exchange, s3::Fields fields) {
  auto query = parse_list_query(fields);
  if (!query) co_return co_await refuse_json(exchange, query.error());
  const auto length = co_await backend.dead_letters.length();
  if (!length) co_return co_await refuse_json(exchange, length.error());
  const auto counts = co_await backend.dead_letters.reasons();
  if (!counts) co_return co_await refuse_json(exchange, counts.error());
  const auto page = co_await backend.dead_letters.list(std::move(query->filter), query->after, query->limit);
  if (!page) co_return co_await refuse_json(exchange, page.error());
  json::array reasons;
  for (const auto& count : *counts) reasons.push_back(json::object{{"reason", count.kind}, {"count", count.count}});
  json::array letters;
  for (const auto& letter : page->letters) letters.push_back(to_json(letter));
  co_return co_await exchange.answer_json(200, json::serialize(json::object{{"length", *length},
                                                                            {"reasons", std::move(reasons)},
                                                                            {"dead_letters", std::move(letters)},
                                                                            {"next", id_or_null(page->next)}}));
}

Awaitable<Status> no_such_letter(Exchange& exchange, std::string message) {
  co_return co_await exchange.answer_json(404, error_document("NoSuchDeadLetter", message));
}

Awaitable<Status> show(Backend& backend, Exchange& exchange, std::string_view id_text) {
  const auto id = parse_dead_letter_id(id_text);
  if (!id) co_return co_await no_such_letter(exchange, "There is no dead letter of that name.");
  const auto letter = co_await backend.dead_letters.get(*id);
  if (!letter && letter.error().kind == ErrorKind::not_found)
    co_return co_await no_such_letter(exchange, letter.error().message);
  if (!letter) co_return co_await refuse_json(exchange, letter.error());
  co_return co_await exchange.answer_json(200, json::serialize(to_whole_json(*letter)));
}

/// The body of a POST. Nothing else authenticates it, so it must be covered by the signature.
Awaitable<Result<DeadLetterSelection>> receive_selection(Exchange& exchange) {
  if (exchange.verified.payload != sigv4::PayloadKind::signed_hash) {
    co_return s3::refuse(s3::ErrorCode::invalid_request, "x-amz-content-sha256 must be the hash of the body.");
  }
  const auto claims = s3::BodyClaims::parse(exchange.request().fields);
  if (!claims) co_return std::unexpected(claims.error());
  const auto document = co_await receive_document(exchange.verified, *claims, exchange.body(), kMaxSelectionBytes);
  if (!document) co_return std::unexpected(document.error());
  co_return parse_dead_letter_selection(*document);
}

Awaitable<Status> change(Backend& backend, Exchange& exchange, bool redrive) {
  auto selection = co_await receive_selection(exchange);
  if (!selection) co_return co_await refuse_json(exchange, selection.error());
  std::optional<std::int64_t> next;
  if (selection->filter) {
    const auto page = co_await backend.dead_letters.list(std::move(*selection->filter), selection->after, kMostAtOnce);
    if (!page) co_return co_await refuse_json(exchange, page.error());
    for (const auto& letter : page->letters) selection->ids.push_back(letter.id);
    next = page->next;
  }
  const bool named = !selection->filter;
  pipeline::RedriveOrigin origin{exchange.request_id(), trace::xray_text(exchange.record().trace.trace)};
  const auto outcome = redrive ? co_await backend.redrive.redrive(std::move(selection->ids), std::move(origin))
                               : co_await backend.redrive.drop(std::move(selection->ids), std::move(origin));
  if (!outcome) co_return co_await refuse_json(exchange, outcome.error());
  const bool none_there =
      named && outcome->done.empty() &&
      std::ranges::all_of(outcome->refused, [](const auto& refusal) { return refusal.reason == "not_found"; });
  if (none_there) co_return co_await no_such_letter(exchange, "There is no dead letter of these ids.");
  json::array refused;
  for (const auto& refusal : outcome->refused) {
    refused.push_back(json::object{{"id", refusal.id}, {"reason", refusal.reason}, {"message", refusal.message}});
  }
  co_return co_await exchange.answer_json(
      200, json::serialize(json::object{{redrive ? "redriven" : "dropped", json::value_from(outcome->done)},
                                        {"refused", std::move(refused)},
                                        {"next", id_or_null(next)}}));
}

}  // namespace

Awaitable<Status> perform_dead_letters(Backend& backend, Exchange& exchange) {
  const auto& request = exchange.request();
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  const bool changes = path == kRedrivePath || path == kDropPath;
  exchange.record().operation = path == kRedrivePath       ? kRedrivePath
                                : path == kDropPath        ? kDropPath
                                : path == kDeadLettersPath ? kDeadLettersPath
                                                           : kDeadLetterPath;
  const bool fits = changes ? request.method == "POST" : request.method == "GET" || exchange.is_head();
  if (!fits) co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  auto query = authenticate_query(backend, exchange);
  if (!query) co_return co_await refuse_json(exchange, query.error());
  if (changes) co_return co_await change(backend, exchange, path == kRedrivePath);
  if (path == kDeadLettersPath) co_return co_await list(backend, exchange, std::move(*query));
  co_return co_await show(backend, exchange, path.substr(kDeadLettersPath.size() + 1));
}

}  // namespace s3link::server
