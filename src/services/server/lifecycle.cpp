#include "core/s3/lifecycle.hpp"

#include <utility>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"
#include "services/server/handlers.hpp"
#include "services/server/payload.hpp"

namespace s3link::server {
namespace {

using s3::ErrorCode;
using s3::refuse;

/// A rule without an id gets one, as S3 does it.
void name_rules(ports::Random& random, s3::LifecycleRules& rules) {
  for (s3::LifecycleRule& rule : rules) {
    if (!rule.id.empty()) continue;
    std::string bytes(24, '\0');
    random.fill(std::as_writable_bytes(std::span(bytes)));
    rule.id = hex_encode(bytes);
  }
}

}  // namespace

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetBucketLifecycleConfiguration op) {
  const auto rules = co_await backend.store.lifecycle(std::move(op.bucket));
  if (!rules) co_return std::unexpected(rules.error());
  if (rules->empty()) co_return refuse(ErrorCode::no_such_lifecycle_configuration);
  co_return co_await exchange.answer_xml(s3::lifecycle_document(*rules));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::PutBucketLifecycleConfiguration op) {
  if (auto bucket = co_await backend.store.head_bucket(op.bucket); !bucket) co_return std::unexpected(bucket.error());
  if (!backend.is_exchange(op.bucket)) {
    co_return refuse(ErrorCode::not_implemented,
                     "A lifecycle configuration of this bucket is not implemented: it has "
                     "one only where files are exchanged.");
  }
  const auto document =
      co_await receive_document(exchange.verified, op.claims, exchange.body(), s3::kMaxLifecycleBytes);
  if (!document) co_return std::unexpected(document.error());
  auto rules = s3::parse_lifecycle(*document);
  if (!rules) co_return std::unexpected(rules.error());
  name_rules(backend.random, *rules);
  auto written = co_await backend.store.put_lifecycle(std::move(op.bucket), std::move(*rules));
  if (!written) co_return written;
  co_return co_await exchange.answer(200);
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteBucketLifecycle op) {
  const auto rules = co_await backend.store.lifecycle(op.bucket);
  if (!rules) co_return std::unexpected(rules.error());
  if (!rules->empty()) {
    auto written = co_await backend.store.put_lifecycle(std::move(op.bucket), {});
    if (!written) co_return written;
  }
  co_return co_await exchange.answer(204);
}

}  // namespace s3link::server
