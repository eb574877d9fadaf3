#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "core/s3/error_code.hpp"
#include "services/server/handlers.hpp"
#include "services/server/ours_answers.hpp"
#include "services/server/ours_resources.hpp"

namespace s3link::server {
namespace {

constexpr std::string_view kHealth = "/_/healthz";
constexpr std::string_view kReady = "/_/readyz";
constexpr std::string_view kDeliveries = "/_/api/v1/deliveries";

/// Why it is not ready.
struct Reason {
  std::string_view part;
  std::string message;
};

Awaitable<std::vector<Reason>> reasons_against(Backend& backend) {
  std::vector<Reason> out;
  if (auto writable = backend.store.writable(); !writable)
    out.push_back({"store", std::move(writable.error().message)});
  for (const ReadinessCheck& check : backend.readiness) {
    if (auto done = co_await check.run(); !done) out.push_back({check.part, std::move(done.error().message)});
  }
  co_return out;
}

/// {"error":{"code":"NotReady","message":…,"reasons":[{"part":…,"message":…}]}}
std::string not_ready_document(const std::vector<Reason>& reasons) {
  std::string all;
  boost::json::array list;
  for (const auto& [part, message] : reasons) {
    all += (all.empty() ? "" : "; ") + message;
    list.push_back(boost::json::object{{"part", part}, {"message", message}});
  }
  return boost::json::serialize(
      boost::json::object{{"error", {{"code", "NotReady"}, {"message", all}, {"reasons", std::move(list)}}}});
}

/// {"status":"ready"}, and what the checks have to tell, by part.
std::string ready_document(const Backend& backend) {
  std::string out = R"({"status":"ready")";
  for (const ReadinessCheck& check : backend.readiness) {
    const std::string detail = check.detail ? check.detail() : std::string();
    if (!detail.empty()) out += ",\"" + std::string(check.part) + "\":" + detail;
  }
  return out + "}";
}

/// Health and readiness, which need no signature.
Awaitable<Status> perform_probe(Backend& backend, Exchange& exchange, bool ready) {
  if (exchange.request().method != "GET" && !exchange.is_head()) {
    co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  }
  if (!ready) co_return co_await exchange.answer_json(200, R"({"status":"ok"})");
  const auto reasons = co_await reasons_against(backend);
  if (reasons.empty()) co_return co_await exchange.answer_json(200, ready_document(backend));
  co_return co_await exchange.answer_json(503, not_ready_document(reasons));
}

Awaitable<Status> answer_document(Backend& backend, Exchange& exchange, ApiDocument& document) {
  const auto& request = exchange.request();
  if (request.method != "GET" && !exchange.is_head()) {
    co_return co_await refuse_json(exchange, s3::make_error(s3::ErrorCode::method_not_allowed));
  }
  if (!document.admits(request)) {
    const auto verified = backend.verify(request, exchange.now(), true);
    if (!verified) co_return co_await refuse_json(exchange, verified.error());
  }
  auto text = co_await document.read();
  if (!text) co_return co_await refuse_json(exchange, text.error());
  co_return co_await exchange.answer_text(200, document.content_type(), std::move(*text));
}

}  // namespace

std::vector<std::string_view> own_paths() {
  return {kHealth, kReady, kDeliveries, kObjectsPath, kDeadLettersPath, kDeadLetterPath, kRedrivePath, kDropPath};
}

Awaitable<Status> perform_ours(Backend& backend, Exchange& exchange) {
  const std::string_view target = exchange.request().target;
  const std::string_view path = target.substr(0, target.find('?'));
  // What is read here has no use for a body, and no signature would cover one.
  const bool reads = exchange.request().method == "GET" || exchange.is_head();
  if (reads && exchange.body().declared_length() != 0) {
    co_return co_await refuse_json(
        exchange, s3::make_error(s3::ErrorCode::invalid_request, "A request that reads this document has no body."));
  }
  if (const auto document = std::ranges::find(backend.documents, path, &ApiDocument::path);
      document != backend.documents.end()) {
    exchange.record().operation = (*document)->path();
    co_return co_await answer_document(backend, exchange, **document);
  }
  for (const std::string_view known : {kHealth, kReady, kDeliveries, kObjectsPath}) {
    if (path == known) exchange.record().operation = known;
  }
  if (path == kHealth || path == kReady) co_return co_await perform_probe(backend, exchange, path == kReady);
  if (path == kDeliveries) co_return co_await perform_deliveries(backend, exchange);
  if (path == kObjectsPath) co_return co_await perform_objects(backend, exchange);
  if (path == kDeadLettersPath || path.starts_with("/_/api/v1/dead-letters/")) {
    co_return co_await perform_dead_letters(backend, exchange);
  }
  co_return co_await exchange.answer_json(404, error_document("NotFound", "There is nothing here."));
}

}  // namespace s3link::server
