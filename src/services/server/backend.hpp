#pragma once

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

  /// Whether objects of that bucket are mailed and expire.
  bool is_exchange(const s3::BucketName& bucket) const { return bucket == settings.exchange_bucket; }
  /// Whether the bucket of that name receives the access logs: over S3 it is only read.
  bool is_logs(std::string_view bucket) const { return settings.logs_bucket && settings.logs_bucket->text() == bucket; }
};

}  // namespace s3link::server
