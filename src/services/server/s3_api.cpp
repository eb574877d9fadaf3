#include "services/server/s3_api.hpp"

#include <exception>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "core/s3/operation.hpp"
#include "core/s3/operation_name.hpp"
#include "core/sigv4/canonical_request.hpp"
#include "services/server/backend.hpp"
#include "services/server/exchange.hpp"
#include "services/server/failures.hpp"
#include "services/server/handlers.hpp"

namespace s3link::server {
namespace {

/// "/_/" belongs to us, unless the host names a bucket: then it begins a key.
bool is_ours(const ports::HttpRequestHead& request, const std::string& domain) {
  return request.target.starts_with("/_/") && s3::bucket_of_host(request.fields, domain).empty();
}

/// Authenticate, route, perform. Nothing of the body is read, and nothing about buckets or keys is said, before the
/// signature was found right.
Awaitable<Status> serve(Backend& backend, Exchange& exchange) {
  const ports::HttpRequestHead& request = exchange.request();
  auto verified = backend.verify(request, exchange.now());
  if (!verified) co_return std::unexpected(verified.error());
  exchange.verified = std::move(*verified);
  const auto target = sigv4::parse_target(request.target);
  if (!target) co_return std::unexpected(target.error());
  std::optional<s3::Fields> stated;
  if (exchange.verified.presigned) {
    auto with_query = s3::with_query_fields(request.fields, target->query);
    if (!with_query) co_return std::unexpected(with_query.error());
    stated = std::move(*with_query);
  }
  auto operation = s3::parse_operation({request.method, target->path, target->query, stated ? *stated : request.fields},
                                       backend.settings.domain);
  if (!operation) co_return std::unexpected(operation.error());
  auto subject = s3::subject_of(*operation);
  const bool of_logs = backend.is_logs(subject.bucket) && !s3::only_reads(*operation);
  exchange.record().operation = subject.name;
  exchange.record().bucket = std::move(subject.bucket);
  exchange.record().key = std::move(subject.key);
  if (of_logs) {
    co_return s3::refuse(s3::ErrorCode::access_denied,
                         "This bucket receives the access logs and can only be read: the server writes them, and "
                         "removes them after access_log.object_ttl.");
  }
  co_return co_await std::visit([&](auto&& op) { return perform(backend, exchange, std::move(op)); },
                                std::move(*operation));
}

/// What is thrown is a bug; its request is answered and logged as every other is.
Awaitable<Status> perform_any(Backend& backend, Exchange& exchange) {
  try {
    if (is_ours(exchange.request(), backend.settings.domain)) co_return co_await perform_ours(backend, exchange);
    co_return co_await serve(backend, exchange);
  } catch (const std::exception& e) {
    co_return fail(ErrorKind::internal, std::string("unexpected: ") + e.what());
  }
}

}  // namespace

struct S3Api::Impl {
  Backend backend;
};

S3Api::S3Api(S3ApiSettings settings, const sigv4::KeyRing& keys, ports::BucketStore& store,
             ports::DeliveryLog& deliveries, ports::DeadLetterQueue& dead_letters, pipeline::Redrive& redrive,
             ports::Clock& clock, ports::Random& random, std::vector<RequestObserver*> observers,
             std::vector<ApiDocument*> documents, std::vector<ReadinessCheck> readiness)
    : impl_(new Impl{Backend{settings, sigv4::Verifier(keys, settings.region), store, deliveries, dead_letters, redrive,
                             clock, random, std::move(observers), std::move(documents), std::move(readiness)}}) {}

S3Api::~S3Api() = default;

Awaitable<void> S3Api::handle(const ports::HttpRequestHead& request, ports::HttpRequestBody& body,
                              ports::HttpResponseWriter& response) {
  Backend& backend = impl_->backend;
  Exchange exchange(request, body, response, backend.random, backend.clock, backend.settings.trace_sample);
  const Status done = co_await perform_any(backend, exchange);
  if (!done) exchange.note_failure(done.error());
  // After the head is out an error can only be told by ending the connection, which the server does when bytes are
  // missing.
  if (!done && !exchange.answered()) {
    // The client may be gone: nobody is left to hear of it.
    (void)co_await answer_failure(backend, exchange, done.error());
  }
  const RequestRecord& record = exchange.finish();
  for (RequestObserver* const observer : backend.observers) observer->finished(request, record);
}

}  // namespace s3link::server
