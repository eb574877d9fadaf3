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
  bool is_logs(const s3::BucketName& bucket) const { return bucket == settings.logs_bucket; }
};

}  // namespace s3link::server
