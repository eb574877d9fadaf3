#pragma once

#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::s3 {

/// The error codes this server answers with, spelled as on the wire in the table of error_code.cpp.
/// Source: Amazon S3 API Reference, "Error responses".
enum class ErrorCode {
  access_control_list_not_supported,
  access_denied,
  authorization_header_malformed,
  authorization_query_parameters_error,
  bad_digest,
  bucket_already_exists,
  bucket_already_owned_by_you,
  bucket_not_empty,
  conditional_request_conflict,
  entity_too_large,
  entity_too_small,
  expired_token,
  illegal_location_constraint,
  incomplete_body,
  internal_error,
  invalid_access_key_id,
  invalid_argument,
  invalid_bucket_name,
  invalid_chunk_size,
  invalid_digest,
  invalid_encryption_algorithm,
  invalid_part,
  invalid_part_number,
  invalid_part_order,
  invalid_range,
  invalid_request,
  invalid_storage_class,
  invalid_tag,
  invalid_token,
  invalid_uri,
  key_too_long,
  malformed_trailer,
  malformed_xml,
  max_message_length_exceeded,
  metadata_too_large,
  method_not_allowed,
  missing_content_length,
  missing_security_header,
  no_such_bucket,
  no_such_bucket_policy,
  no_such_cors_configuration,
  no_such_key,
  no_such_lifecycle_configuration,
  no_such_object_lock_configuration,
  no_such_replication_configuration,
  no_such_tag_set,
  no_such_upload,
  no_such_version,
  no_such_website_configuration,
  not_implemented,
  not_modified,
  object_lock_configuration_not_found,
  precondition_failed,
  quota_exceeded,
  request_time_too_skewed,
  request_timeout,
  service_unavailable,
  signature_does_not_match,
  slow_down,
  unsupported_signature,
  x_amz_content_sha256_mismatch,
};

/// The code as clients compare it: "NoSuchKey".
std::string_view to_string(ErrorCode code) noexcept;

/// An Error with that code, the kind that belongs to it, and `message`, or the table's words when that is empty.
Error make_error(ErrorCode code, std::string message = {});
/// `return refuse(ErrorCode::no_such_key);`
[[nodiscard]] inline std::unexpected<Error> refuse(ErrorCode code, std::string message = {}) {
  return std::unexpected(make_error(code, std::move(message)));
}

/// What the client is told.
struct ErrorAnswer {
  unsigned status = 500;
  std::string code;
  std::string message;
};

/// The one place where an Error becomes an S3 answer. A code of the table decides; an Error without one is answered by
/// its kind, and internal or corrupt ones tell the client nothing but "InternalError".
ErrorAnswer to_answer(const Error& error);

}  // namespace s3link::s3
