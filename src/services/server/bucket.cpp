#include <algorithm>
#include <utility>

#include "core/s3/error_code.hpp"
#include "core/s3/xml_reader.hpp"
#include "services/server/answers.hpp"
#include "services/server/handlers.hpp"
#include "services/server/payload.hpp"

namespace s3link::server {
namespace {

using s3::ErrorCode;
using s3::refuse;

/// What is the case for every bucket here.
std::string document_of(s3::BucketDocument what) {
  switch (what) {
    case s3::BucketDocument::accelerate:
      return s3::XmlWriter("AccelerateConfiguration").finish();
    case s3::BucketDocument::acl:
      return acl_document();
    case s3::BucketDocument::logging:
      return s3::XmlWriter("BucketLoggingStatus").finish();
    case s3::BucketDocument::notification:
      return s3::XmlWriter("NotificationConfiguration").finish();
    case s3::BucketDocument::versioning:
      return s3::XmlWriter("VersioningConfiguration").finish();
    case s3::BucketDocument::encryption: {
      s3::XmlWriter xml("ServerSideEncryptionConfiguration");
      xml.open("Rule");
      xml.open("ApplyServerSideEncryptionByDefault");
      xml.element("SSEAlgorithm", "AES256");
      xml.close();
      xml.element("BucketKeyEnabled", false);
      return xml.finish();
    }
    case s3::BucketDocument::ownership_controls: {
      s3::XmlWriter xml("OwnershipControls");
      xml.open("Rule");
      xml.element("ObjectOwnership", "BucketOwnerEnforced");
      return xml.finish();
    }
    case s3::BucketDocument::public_access_block: {
      s3::XmlWriter xml("PublicAccessBlockConfiguration");
      for (const auto* const name :
           {"BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"}) {
        xml.element(name, true);
      }
      return xml.finish();
    }
    case s3::BucketDocument::request_payment: {
      s3::XmlWriter xml("RequestPaymentConfiguration");
      xml.element("Payer", "BucketOwner");
      return xml.finish();
    }
  }
  return {};
}

/// us-east-1 is the region without a name.
bool is_our_region(const Backend& backend, const std::string& constraint) {
  return constraint.empty() || constraint == backend.settings.region;
}

}  // namespace

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::ListBuckets op) {
  auto buckets = co_await backend.store.list_buckets();
  if (!buckets) co_return std::unexpected(buckets.error());
  std::ranges::sort(*buckets, {}, [](const ports::BucketInfo& bucket) { return bucket.name.text(); });
  s3::XmlWriter xml("ListAllMyBucketsResult");
  add_owner(xml, "Owner");
  xml.open("Buckets");
  std::size_t count = 0;
  std::string last;
  bool truncated = false;
  for (const auto& bucket : *buckets) {
    const std::string& name = bucket.name.text();
    if (!name.starts_with(op.prefix) || name <= op.start_after) continue;
    if (count == op.max_buckets) {
      truncated = true;
      break;
    }
    xml.open("Bucket");
    xml.element("Name", name);
    xml.element("CreationDate", iso8601(bucket.created));
    xml.element("BucketRegion", backend.settings.region);
    xml.close();
    last = name;
    ++count;
  }
  xml.close();
  if (truncated) xml.element("ContinuationToken", s3::encode_continuation(last));
  if (!op.prefix.empty()) xml.element("Prefix", op.prefix);
  co_return co_await exchange.answer_xml(xml.finish());
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::CreateBucket op) {
  auto claims = s3::BodyClaims::parse(exchange.request().fields);
  if (!claims) co_return std::unexpected(claims.error());
  const auto document = co_await receive_document(exchange.verified, *claims, exchange.body(), s3::kMaxXmlBytes);
  if (!document) co_return std::unexpected(document.error());
  const auto constraint = s3::parse_create_bucket(*document);
  if (!constraint) co_return std::unexpected(constraint.error());
  if (!is_our_region(backend, *constraint)) {
    co_return refuse(ErrorCode::illegal_location_constraint,
                     "The " + *constraint +
                         " location constraint is incompatible for the region specific endpoint this request was sent "
                         "to.");
  }
  const auto created = co_await backend.store.create_bucket(op.bucket, exchange.now());
  // As in AWS: in us-east-1 creating one's own bucket again is no error.
  const bool again = !created && created.error().code == s3::to_string(ErrorCode::bucket_already_owned_by_you) &&
                     backend.settings.region == "us-east-1";
  if (!created && !again) co_return created;
  ports::HttpFields fields = {{"Location", "/" + op.bucket.text()}};
  co_return co_await exchange.answer(200, std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::DeleteBucket op) {
  if (backend.is_exchange(op.bucket)) {
    co_return refuse(ErrorCode::access_denied, "This is the bucket that the server was set up for; it stays.");
  }
  if (auto deleted = co_await backend.store.delete_bucket(op.bucket); !deleted) co_return deleted;
  co_return co_await exchange.answer(204);
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::HeadBucket op) {
  if (auto bucket = co_await backend.store.head_bucket(op.bucket); !bucket) co_return std::unexpected(bucket.error());
  ports::HttpFields fields = {{"x-amz-bucket-region", backend.settings.region}, {"Content-Type", "application/xml"}};
  co_return co_await exchange.answer(200, std::move(fields));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetBucketLocation op) {
  if (auto bucket = co_await backend.store.head_bucket(op.bucket); !bucket) co_return std::unexpected(bucket.error());
  s3::XmlWriter xml("LocationConstraint");
  if (backend.settings.region != "us-east-1") xml.text(backend.settings.region);
  co_return co_await exchange.answer_xml(xml.finish());
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::GetBucketConfiguration op) {
  if (auto bucket = co_await backend.store.head_bucket(op.bucket); !bucket) co_return std::unexpected(bucket.error());
  if (const auto* const absent = std::get_if<ErrorCode>(&op.answer)) co_return refuse(*absent);
  co_return co_await exchange.answer_xml(document_of(std::get<s3::BucketDocument>(op.answer)));
}

Awaitable<Status> perform(Backend& backend, Exchange& exchange, s3::PutAcl op) {
  if (op.key) {
    auto object = co_await backend.store.head_object(op.bucket, *op.key);
    if (!object) co_return std::unexpected(object.error());
  } else if (auto bucket = co_await backend.store.head_bucket(op.bucket); !bucket) {
    co_return std::unexpected(bucket.error());
  }
  co_return co_await exchange.answer(200);
}

}  // namespace s3link::server
