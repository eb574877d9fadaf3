#include "adapters/aws/s3_listing.hpp"

#include <fmt/format.h>

#include <utility>

#include "adapters/aws/listing_page.hpp"
#include "core/base/encoding.hpp"

namespace s3link::aws {
namespace {

using ports::ListingPage;

/// What the port promises: transient, denied or not_found.
Error error_of(CallFailure failure) {
  const ErrorKind kind = failure.error.kind;
  if (kind != ErrorKind::transient && kind != ErrorKind::not_found) failure.error.kind = ErrorKind::denied;
  return std::move(failure.error);
}

}  // namespace

Awaitable<Result<ListingPage>> S3Listing::list(std::string bucket, std::string start_after, Instant deadline,
                                               trace::Segment& under) {
  const bool by_path = endpoint_.custom || bucket.contains('.');
  Call call{.operation = "ListObjectsV2",
            .method = "GET",
            .target = fmt::format("/{}?list-type=2&encoding-type=url&max-keys={}", by_path ? uri_encode(bucket) : "",
                                  kMaxListedKeys),
            .fields = {},
            .body = {},
            .idempotent = true,
            .host_prefix = by_path ? std::string() : bucket + '.'};
  if (!start_after.empty()) call.target += "&start-after=" + uri_encode(start_after);
  auto answer = co_await caller_.call(endpoint_, std::move(call), deadline, under);
  if (!answer) co_return std::unexpected(error_of(std::move(answer.error())));
  co_return read_listing_page(answer->body);
}

}  // namespace s3link::aws
