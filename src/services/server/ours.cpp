#include <algorithm>
#include <utility>

#include "core/s3/error_code.hpp"
#include "services/server/handlers.hpp"
#include "services/server/ours_answers.hpp"
#include "services/server/ours_resources.hpp"

namespace s3link::server {
namespace {

constexpr std::string_view kHealth = "/_/healthz";
constexpr std::string_view kReady = "/_/readyz";
constexpr std::string_view kDeliveries = "/_/api/v1/deliveries";

/// Health and readiness, which need no signature.
Awaitable<Status> perform_probe(Backend& backend, Exchange& exchange, bool ready) {
  if (exchange.request().method != "GET" && !exchange.is_head()) {
    co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  }
  if (!ready) co_return co_await exchange.answer_json(200, R"({"status":"ok"})");
  const Status writable = backend.store.writable();
  if (writable) co_return co_await exchange.answer_json(200, R"({"status":"ready"})");
  co_return co_await exchange.answer_json(503, error_document("NotReady", writable.error().message));
}

Awaitable<Status> answer_document(Backend& backend, Exchange& exchange, ApiDocument& document) {
  const auto& request = exchange.request();
  if (request.method != "GET" && !exchange.is_head()) {
    co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  }
  const auto verified = backend.verifier.verify({request.method, request.target, request.fields}, exchange.now());
  if (!verified) co_return co_await refuse_json(exchange, verified.error());
  auto text = co_await document.read();
  if (!text) co_return co_await refuse_json(exchange, text.error());
  co_return co_await exchange.answer_json(200, std::move(*text));
}

}  // namespace

Awaitable<Status> perform_ours(Backend& backend, Exchange& exchange) {
  const std::string_view target = exchange.request().target;
  const std::string_view path = target.substr(0, target.find('?'));
  if (const auto document = std::ranges::find(backend.documents, path, &ApiDocument::path);
      document != backend.documents.end()) {
    exchange.record().operation = path;
    co_return co_await answer_document(backend, exchange, **document);
  }
  for (const std::string_view known : {kHealth, kReady, kDeliveries}) {
    if (path == known) exchange.record().operation = known;
  }
  if (path == kHealth || path == kReady) co_return co_await perform_probe(backend, exchange, path == kReady);
  if (path == kDeliveries) co_return co_await perform_deliveries(backend, exchange);
  if (path == kDeadLettersPath || path.starts_with("/_/api/v1/dead-letters/")) {
    co_return co_await perform_dead_letters(backend, exchange);
  }
  co_return co_await exchange.answer_json(404, error_document("NotFound", "There is nothing here."));
}

}  // namespace s3link::server
