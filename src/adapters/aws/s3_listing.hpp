#pragma once

#include "adapters/aws/signed_call.hpp"
#include "ports/bucket_listing.hpp"

namespace s3link::aws {

/// ListObjectsV2 of Amazon S3, pages of 1,000. The bucket stands in the host name, or in the path where the endpoint
/// was named by a variable or the bucket's name holds a dot (no certificate fits it then).
class S3Listing final : public ports::BucketListing {
 public:
  /// The caller must outlive the listing.
  S3Listing(Caller& caller, Endpoint endpoint) : caller_(caller), endpoint_(std::move(endpoint)) {}

  Awaitable<Result<ports::ListingPage>> list(std::string bucket, std::string start_after, Instant deadline,
                                             trace::Segment& under) override;

 private:
  Caller& caller_;
  const Endpoint endpoint_;
};

}  // namespace s3link::aws
