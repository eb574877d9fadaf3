#pragma once

#include "core/s3/operation.hpp"
#include "core/sigv4/verify.hpp"
#include "services/server/s3_api.hpp"

namespace s3link::server {

/// What every handler works with. Outlives all requests.
struct Backend {
  S3ApiSettings settings;
  sigv4::Verifier verifier;
  ports::BucketStore& store;
  ports::DeliveryLog& deliveries;
  ports::DeadLetterQueue& dead_letters;
  pipeline::Redrive& redrive;
  ports::Clock& clock;
  ports::Random& random;
  std::vector<RequestObserver*> observers;
  std::vector<ApiDocument*> documents;
  std::vector<ReadinessCheck> readiness;

  /// As Verifier::verify(), for this server: what was signed for its public host counts, whatever a proxy has put into
  /// the Host field. `no_body`: the request has none, so that its hash may be missing.
  Result<sigv4::Verified> verify(const ports::HttpRequestHead& request, Instant now, bool no_body = false) {
    const std::string other = s3::other_host(request.fields, settings.domain, settings.public_host);
    return verifier.verify({request.method, request.target, request.fields, other, no_body}, now);
  }
  /// Whether objects of that bucket are mailed and expire.
  bool is_exchange(const s3::BucketName& bucket) const { return bucket == settings.exchange_bucket; }
  /// Whether the bucket of that name receives the access logs: over S3 it is only read.
  bool is_logs(std::string_view bucket) const { return settings.logs_bucket && settings.logs_bucket->text() == bucket; }
};

}  // namespace s3link::server
