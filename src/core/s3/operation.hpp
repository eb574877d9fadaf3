#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/result.hpp"
#include "core/s3/body_claims.hpp"
#include "core/s3/byte_range.hpp"
#include "core/s3/conditions.hpp"
#include "core/s3/error_code.hpp"
#include "core/s3/fields.hpp"
#include "core/s3/list_page.hpp"
#include "core/s3/names.hpp"
#include "core/s3/object_headers.hpp"

namespace s3link::s3 {

/// The operations of the S3 API that this server performs, each with its parameters parsed and checked.
/// Source: Amazon S3 API Reference, "Actions", one page for each name.

struct ListBuckets {
  std::string prefix;
  std::string start_after;  ///< from the continuation token
  std::size_t max_buckets = 10'000;
};
struct CreateBucket {
  BucketName bucket;
};
struct DeleteBucket {
  BucketName bucket;
};
struct HeadBucket {
  BucketName bucket;
};
struct GetBucketLocation {
  BucketName bucket;
};

/// Configurations of a bucket that never change here, and so are answered with what is the case.
enum class BucketDocument {
  accelerate,
  acl,
  encryption,
  logging,
  notification,
  ownership_controls,
  public_access_block,
  request_payment,
  versioning,
};
struct GetBucketConfiguration {
  BucketName bucket;
  std::variant<BucketDocument, ErrorCode> answer;  ///< ErrorCode: there is none of that kind (NoSuchBucketPolicy, …)
};
/// A private ACL: already so.
struct PutAcl {
  BucketName bucket;
  std::optional<ObjectKey> key;
};

struct GetBucketLifecycleConfiguration {
  BucketName bucket;
};
/// And PutBucketLifecycle, its older form: the same request.
struct PutBucketLifecycleConfiguration {
  BucketName bucket;
  BodyClaims claims;
};
struct DeleteBucketLifecycle {
  BucketName bucket;
};

struct ListObjects {
  BucketName bucket;
  ListPageRequest page;
  int version = 1;                          ///< 1: ListObjects, 2: ListObjectsV2
  std::string marker;                       ///< v1, as sent
  std::string start_after;                  ///< v2, as sent
  std::optional<std::string> continuation;  ///< v2: the token as sent
  std::string from;                         ///< where the page begins, exclusive
  bool fetch_owner = false;                 ///< v2
};
struct ListObjectVersions {
  BucketName bucket;
  ListPageRequest page;
  std::string key_marker;
  std::string version_id_marker;
};
struct ListMultipartUploads {
  BucketName bucket;
  ListPageRequest page;
  std::string key_marker;
  std::string upload_id_marker;
};
struct DeleteObjects {
  BucketName bucket;
  BodyClaims claims;
};

struct PutObject {
  BucketName bucket;
  ObjectKey key;
  ObjectHeaders headers;
  WriteCondition condition;
  BodyClaims claims;
};
/// And HeadObject.
struct GetObject {
  BucketName bucket;
  ObjectKey key;
  bool head = false;
  std::optional<ByteRange> range;
  ReadConditions conditions;
  Fields overrides;                     ///< "Content-Type" and others from response-*
  std::optional<unsigned> part_number;  ///< 1 to 10,000
  bool checksum_mode = false;
};
struct GetObjectAttributes {
  BucketName bucket;
  ObjectKey key;
  bool etag = false, checksum = false, object_parts = false, storage_class = false, object_size = false;
  ReadConditions conditions;
  unsigned part_number_marker = 0;
  std::size_t max_parts = kMaxPageEntries;
};
struct GetObjectAcl {
  BucketName bucket;
  ObjectKey key;
};
struct GetObjectTagging {
  BucketName bucket;
  ObjectKey key;
};
struct DeleteObject {
  BucketName bucket;
  ObjectKey key;
};

struct CreateMultipartUpload {
  BucketName bucket;
  ObjectKey key;
  ObjectHeaders headers;
  MultipartChecksum checksum;
};
struct UploadPart {
  BucketName bucket;
  ObjectKey key;
  std::string upload_id;
  unsigned number = 0;  ///< 1 to 10,000
  BodyClaims claims;
};
struct CompleteMultipartUpload {
  BucketName bucket;
  ObjectKey key;
  std::string upload_id;
  WriteCondition condition;
  std::optional<ObjectChecksumClaim> checksum;
  std::optional<bool> composite;            ///< x-amz-checksum-type
  std::optional<std::uint64_t> size_bytes;  ///< x-amz-mp-object-size
  std::optional<std::string> body_md5;      ///< of the document, raw
};
struct AbortMultipartUpload {
  BucketName bucket;
  ObjectKey key;
  std::string upload_id;
};
struct ListParts {
  BucketName bucket;
  ObjectKey key;
  std::string upload_id;
  ListPageRequest page;
  unsigned part_number_marker = 0;
};

using Operation =
    std::variant<ListBuckets, CreateBucket, DeleteBucket, HeadBucket, GetBucketLocation, GetBucketConfiguration, PutAcl,
                 GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration, DeleteBucketLifecycle, ListObjects,
                 ListObjectVersions, ListMultipartUploads, DeleteObjects, PutObject, GetObject, GetObjectAttributes,
                 GetObjectAcl, GetObjectTagging, DeleteObject, CreateMultipartUpload, UploadPart,
                 CompleteMultipartUpload, AbortMultipartUpload, ListParts>;

/// A request after its target was taken apart (sigv4::parse_target): authentication and routing see the same text.
struct OperationRequest {
  std::string_view method;
  std::string_view path;  ///< decoded, begins with '/'
  const Fields& query;    ///< decoded
  const Fields& fields;
};

/// Whom buckets and objects belong to: the one user there is. Also the only x-amz-expected-bucket-owner.
inline constexpr std::string_view kOwnerId = "s3link";

/// The bucket named by the Host field, for virtual-host style: "bucket.domain[:port]". Empty: path style.
std::string bucket_of_host(const Fields& fields, std::string_view domain);

/// Another host that the signature of a request may be over than the Host field's, which a proxy may have changed: the
/// server's public one ("files.example.org[:port]"; empty: none), else the same one as clients sign it, in lower case
/// and without a default port. Only where the request means the same under both: one that names a bucket keeps it.
/// Empty: none.
std::string other_host(const Fields& fields, std::string_view domain, std::string_view public_host);

/// The header fields with those that a presigned URL states as query parameters (x-amz-meta-*, x-amz-acl, …), which are
/// signed as the whole query is: they mean what the fields of their names do. x-amz-checksum-* and
/// x-amz-sdk-checksum-algorithm mean nothing there, as in S3: SDKs sign the checksum of an empty body, long before
/// there is one. Empty: no parameter stands for a field. Errors: InvalidArgument (a field and a parameter that differ).
Result<std::optional<Fields>> with_query_fields(const Fields& fields, const Fields& query);

/// Which operation a request is. Query parameters that mean nothing here are ignored; names of operations we do not
/// perform are refused with their name.
/// Errors: NotImplemented, MethodNotAllowed, InvalidBucketName, KeyTooLongError, InvalidURI, InvalidArgument,
/// InvalidRequest, AccessDenied (x-amz-expected-bucket-owner), and those of the parsers above.
Result<Operation> parse_operation(const OperationRequest& request, std::string_view domain);

}  // namespace s3link::s3
