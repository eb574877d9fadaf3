#include "core/s3/subresource.hpp"

#include <algorithm>
#include <array>
#include <span>

namespace s3link::s3 {
namespace {

struct Row {
  std::string_view parameter;
  SubresourceMatch match;
};

using enum Subresource;

constexpr Row document(std::string_view parameter, std::string_view noun, BucketDocument what) {
  return {parameter, {bucket_configuration, noun, what}};
}
constexpr Row absent(std::string_view parameter, std::string_view noun, ErrorCode code) {
  return {parameter, {bucket_configuration, noun, code}};
}
constexpr Row not_here(std::string_view parameter, std::string_view noun) {
  return {parameter, {not_offered, noun, {}}};
}

constexpr std::array kOfBucket = {
    document("accelerate", "BucketAccelerateConfiguration", BucketDocument::accelerate),
    document("acl", "BucketAcl", BucketDocument::acl),
    not_here("abac", "BucketAbac"),
    not_here("analytics", "BucketAnalyticsConfiguration"),
    absent("cors", "BucketCors", ErrorCode::no_such_cors_configuration),
    Row{"delete", {del, "Objects", {}}},
    document("encryption", "BucketEncryption", BucketDocument::encryption),
    not_here("intelligent-tiering", "BucketIntelligentTieringConfiguration"),
    not_here("inventory", "BucketInventoryConfiguration"),
    Row{"lifecycle", {lifecycle, "BucketLifecycleConfiguration", {}}},
    Row{"location", {location, "BucketLocation", {}}},
    document("logging", "BucketLogging", BucketDocument::logging),
    not_here("metadataConfiguration", "BucketMetadataConfiguration"),
    not_here("metadataInventoryTable", "BucketMetadataInventoryTableConfiguration"),
    not_here("metadataJournalTable", "BucketMetadataJournalTableConfiguration"),
    not_here("metadataTable", "BucketMetadataTableConfiguration"),
    not_here("metrics", "BucketMetricsConfiguration"),
    document("notification", "BucketNotificationConfiguration", BucketDocument::notification),
    absent("object-lock", "ObjectLockConfiguration", ErrorCode::object_lock_configuration_not_found),
    document("ownershipControls", "BucketOwnershipControls", BucketDocument::ownership_controls),
    absent("policy", "BucketPolicy", ErrorCode::no_such_bucket_policy),
    absent("policyStatus", "BucketPolicyStatus", ErrorCode::no_such_bucket_policy),
    document("publicAccessBlock", "PublicAccessBlock", BucketDocument::public_access_block),
    absent("replication", "BucketReplication", ErrorCode::no_such_replication_configuration),
    document("requestPayment", "BucketRequestPayment", BucketDocument::request_payment),
    not_here("session", "Session"),
    absent("tagging", "BucketTagging", ErrorCode::no_such_tag_set),
    Row{"uploads", {uploads, "MultipartUploads", {}}},
    document("versioning", "BucketVersioning", BucketDocument::versioning),
    Row{"versions", {versions, "ObjectVersions", {}}},
    absent("website", "BucketWebsite", ErrorCode::no_such_website_configuration),
};

constexpr std::array kOfObject = {
    Row{"acl", {acl, "ObjectAcl", {}}},
    not_here("append", "ObjectAppend"),
    Row{"attributes", {attributes, "ObjectAttributes", {}}},
    not_here("encryption", "ObjectEncryption"),
    not_here("legal-hold", "ObjectLegalHold"),
    not_here("renameObject", "ObjectRename"),
    not_here("restore", "ObjectRestore"),
    not_here("retention", "ObjectRetention"),
    not_here("select", "ObjectSelect"),
    Row{"tagging", {tagging, "ObjectTagging", {}}},
    not_here("torrent", "ObjectTorrent"),
    Row{"uploadId", {upload_id, "MultipartUpload", {}}},
    Row{"uploads", {uploads, "MultipartUpload", {}}},
};

}  // namespace

Result<SubresourceMatch> find_subresource(const Fields& query, bool of_object) {
  const std::span<const Row> table = of_object ? std::span<const Row>(kOfObject) : std::span<const Row>(kOfBucket);
  const Row* found = nullptr;
  for (const Row& row : table) {
    if (find_parameter(query, row.parameter) == nullptr) continue;
    if (found != nullptr) {
      return refuse(ErrorCode::invalid_argument, "Conflicting query string parameters: " +
                                                     std::string(found->parameter) + ", " + std::string(row.parameter));
    }
    found = &row;
  }
  return found == nullptr ? SubresourceMatch{} : found->match;
}

}  // namespace s3link::s3
