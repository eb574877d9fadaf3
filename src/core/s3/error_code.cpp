#include "core/s3/error_code.hpp"

#include <algorithm>
#include <array>

namespace s3link::s3 {
namespace {

struct Row {
  ErrorCode code;
  std::string_view text;
  unsigned status;
  ErrorKind kind;
  std::string_view message;
};

using enum ErrorCode;
constexpr auto kBad = ErrorKind::invalid_argument;
constexpr auto kMissing = ErrorKind::not_found;
constexpr auto kConflict = ErrorKind::conflict;
constexpr auto kDenied = ErrorKind::denied;
constexpr auto kTransient = ErrorKind::transient;
constexpr auto kInternal = ErrorKind::internal;

/// In the order of the enumeration.
constexpr std::array kTable = {
    Row{access_control_list_not_supported, "AccessControlListNotSupported", 400, kBad,
        "The bucket does not allow ACLs"},
    Row{access_denied, "AccessDenied", 403, kDenied, "Access Denied"},
    Row{authorization_header_malformed, "AuthorizationHeaderMalformed", 400, kBad,
        "The authorization header that you provided is not valid."},
    Row{authorization_query_parameters_error, "AuthorizationQueryParametersError", 400, kBad,
        "The authorization query parameters that you provided are not valid."},
    Row{bad_digest, "BadDigest", 400, kBad,
        "The Content-MD5 or checksum value that you specified did not match what we received."},
    Row{bucket_already_exists, "BucketAlreadyExists", 409, kConflict,
        "The requested bucket name is not available. Please select a different name and try again."},
    Row{bucket_already_owned_by_you, "BucketAlreadyOwnedByYou", 409, kConflict,
        "Your previous request to create the named bucket succeeded and you already own it."},
    Row{bucket_not_empty, "BucketNotEmpty", 409, kConflict, "The bucket you tried to delete is not empty."},
    Row{conditional_request_conflict, "ConditionalRequestConflict", 409, kConflict,
        "The conditional request cannot succeed due to a conflicting operation against this resource."},
    Row{entity_too_large, "EntityTooLarge", 400, kBad, "Your proposed upload exceeds the maximum allowed object size."},
    Row{entity_too_small, "EntityTooSmall", 400, kBad,
        "Your proposed upload is smaller than the minimum allowed object size."},
    Row{expired_token, "ExpiredToken", 400, kBad, "The provided token has expired."},
    Row{illegal_location_constraint, "IllegalLocationConstraintException", 400, kBad,
        "The specified location constraint is incompatible for the region specific endpoint this request was sent to."},
    Row{incomplete_body, "IncompleteBody", 400, kBad,
        "You did not provide the number of bytes specified by the Content-Length HTTP header."},
    Row{internal_error, "InternalError", 500, kInternal, "We encountered an internal error. Please try again."},
    Row{invalid_access_key_id, "InvalidAccessKeyId", 403, kDenied,
        "The AWS access key ID you provided does not exist in our records."},
    Row{ErrorCode::invalid_argument, "InvalidArgument", 400, kBad, "Invalid Argument"},
    Row{invalid_bucket_name, "InvalidBucketName", 400, kBad, "The specified bucket is not valid."},
    Row{invalid_chunk_size, "InvalidChunkSizeError", 403, kDenied,
        "Only the last chunk is allowed to have a size less than 8192 bytes"},
    Row{invalid_digest, "InvalidDigest", 400, kBad, "The Content-MD5 or checksum value you specified is not valid."},
    Row{invalid_encryption_algorithm, "InvalidEncryptionAlgorithmError", 400, kBad,
        "The encryption request that you specified is not valid. The valid value is AES256."},
    Row{invalid_part, "InvalidPart", 400, kBad,
        "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified "
        "entity tag may not match the part's entity tag."},
    Row{invalid_part_number, "InvalidPartNumber", 416, kBad, "The requested partnumber is not satisfiable"},
    Row{invalid_part_order, "InvalidPartOrder", 400, kBad,
        "The list of parts was not in ascending order. The parts list must be specified in order by part number."},
    Row{invalid_range, "InvalidRange", 416, kBad, "The requested range is not satisfiable"},
    Row{invalid_request, "InvalidRequest", 400, kBad, "Invalid Request"},
    Row{invalid_storage_class, "InvalidStorageClass", 400, kBad, "The storage class you specified is not valid."},
    Row{invalid_tag, "InvalidTag", 400, kBad, "Your request contains tag input that is not valid."},
    Row{invalid_token, "InvalidToken", 400, kBad, "The provided token is malformed or otherwise not valid."},
    Row{invalid_uri, "InvalidURI", 400, kBad, "The specified URI couldn't be parsed."},
    Row{key_too_long, "KeyTooLongError", 400, kBad, "Your key is too long."},
    Row{malformed_trailer, "MalformedTrailerError", 400, kBad,
        "The request contained trailing data that was not well-formed or did not conform to our published schema."},
    Row{malformed_xml, "MalformedXML", 400, kBad,
        "The XML that you provided was not well formed or did not validate against our published schema."},
    Row{max_message_length_exceeded, "MaxMessageLengthExceeded", 400, kBad, "Your request was too large."},
    Row{metadata_too_large, "MetadataTooLarge", 400, kBad,
        "Your metadata headers exceed the maximum allowed metadata size."},
    Row{method_not_allowed, "MethodNotAllowed", 405, kBad,
        "The specified method is not allowed against this resource."},
    Row{missing_content_length, "MissingContentLength", 411, kBad, "You must provide the Content-Length HTTP header."},
    Row{missing_security_header, "MissingSecurityHeader", 400, kBad, "Your request is missing a required header."},
    Row{no_such_bucket, "NoSuchBucket", 404, kMissing, "The specified bucket does not exist"},
    Row{no_such_bucket_policy, "NoSuchBucketPolicy", 404, kMissing, "The bucket policy does not exist"},
    Row{no_such_cors_configuration, "NoSuchCORSConfiguration", 404, kMissing, "The CORS configuration does not exist"},
    Row{no_such_key, "NoSuchKey", 404, kMissing, "The specified key does not exist."},
    Row{no_such_lifecycle_configuration, "NoSuchLifecycleConfiguration", 404, kMissing,
        "The lifecycle configuration does not exist"},
    Row{no_such_object_lock_configuration, "NoSuchObjectLockConfiguration", 404, kMissing,
        "The specified object does not have an ObjectLock configuration"},
    Row{no_such_replication_configuration, "ReplicationConfigurationNotFoundError", 404, kMissing,
        "The replication configuration was not found"},
    Row{no_such_tag_set, "NoSuchTagSet", 404, kMissing, "The TagSet does not exist"},
    Row{no_such_upload, "NoSuchUpload", 404, kMissing,
        "The specified multipart upload does not exist. The upload ID might be invalid, or the multipart upload might "
        "have been aborted or completed."},
    Row{no_such_version, "NoSuchVersion", 404, kMissing, "The specified version does not exist."},
    Row{no_such_website_configuration, "NoSuchWebsiteConfiguration", 404, kMissing,
        "The specified bucket does not have a website configuration"},
    Row{not_implemented, "NotImplemented", 501, kBad,
        "A header you provided implies functionality that is not implemented"},
    Row{not_modified, "NotModified", 304, kConflict, "Not Modified"},
    Row{object_lock_configuration_not_found, "ObjectLockConfigurationNotFoundError", 404, kMissing,
        "Object Lock configuration does not exist for this bucket"},
    Row{precondition_failed, "PreconditionFailed", 412, kConflict,
        "At least one of the pre-conditions you specified did not hold"},
    // Not one of AWS's: Ceph's, which has quotas too. Clients do not repeat a 403.
    Row{quota_exceeded, "QuotaExceeded", 403, kDenied, "The bucket holds as much as it may."},
    Row{request_time_too_skewed, "RequestTimeTooSkewed", 403, kDenied,
        "The difference between the request time and the server's time is too large."},
    Row{request_timeout, "RequestTimeout", 400, kTransient,
        "Your socket connection to the server was not read from or written to within the timeout period."},
    Row{service_unavailable, "ServiceUnavailable", 503, kTransient, "Please reduce your request rate."},
    Row{signature_does_not_match, "SignatureDoesNotMatch", 403, kDenied,
        "The request signature we calculated does not match the signature you provided. Check your key and signing "
        "method."},
    Row{slow_down, "SlowDown", 503, kTransient, "Please reduce your request rate."},
    Row{unsupported_signature, "UnsupportedSignature", 400, kBad,
        "The provided request is signed with an unsupported STS Token version or the signature version is not "
        "supported."},
    Row{x_amz_content_sha256_mismatch, "XAmzContentSHA256Mismatch", 400, kBad,
        "The provided 'x-amz-content-sha256' header does not match what was computed."},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (static_cast<std::size_t>(kTable[i].code) != i) return false;
  }
  return static_cast<std::size_t>(x_amz_content_sha256_mismatch) + 1 == kTable.size();
}
static_assert(in_order(), "one row for each ErrorCode, in their order");

const Row& row_of(ErrorCode code) noexcept { return kTable[static_cast<std::size_t>(code)]; }

const Row* find_row(std::string_view text) noexcept {
  const auto at = std::ranges::find(kTable, text, &Row::text);
  return at == kTable.end() ? nullptr : &*at;
}

ErrorCode code_of(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return invalid_request;
    case ErrorKind::not_found:
      return no_such_key;
    case ErrorKind::conflict:
      return conditional_request_conflict;
    case ErrorKind::denied:
      return access_denied;
    case ErrorKind::transient:
      return slow_down;
    case ErrorKind::corrupt:
    case ErrorKind::internal:
      return internal_error;
  }
  return internal_error;
}

}  // namespace

std::string_view to_string(ErrorCode code) noexcept { return row_of(code).text; }

Error make_error(ErrorCode code, std::string message) {
  const Row& row = row_of(code);
  if (message.empty()) message = row.message;
  return Error{row.kind, std::move(message), std::string(row.text)};
}

ErrorAnswer to_answer(const Error& error) {
  const Row* const named = find_row(error.code);
  const Row& row = named != nullptr ? *named : row_of(code_of(error.kind));
  const bool ours_to_know = row.kind == kInternal || error.kind == ErrorKind::internal ||
                            error.kind == ErrorKind::corrupt || error.message.empty();
  return {row.status, std::string(row.text), std::string(ours_to_know ? row.message : std::string_view(error.message))};
}

}  // namespace s3link::s3
