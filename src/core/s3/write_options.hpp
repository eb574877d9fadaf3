#pragma once

#include <string_view>

#include "core/base/result.hpp"
#include "core/s3/fields.hpp"
#include "core/s3/object_headers.hpp"

namespace s3link::s3 {

/// User metadata, names and values together.
inline constexpr std::size_t kMaxMetadataBytes = 2048;

/// What PutObject and CreateMultipartUpload keep of the head, after refusing what this server does not offer: other
/// ACLs than private, other storage classes than STANDARD, KMS and customer keys, tags, locks, website redirects.
/// Errors: AccessControlListNotSupported, InvalidStorageClass, NotImplemented, InvalidEncryptionAlgorithmError,
/// InvalidRequest, MetadataTooLarge, InvalidArgument (a control character in a value).
Result<ObjectHeaders> parse_write_options(const Fields& fields);

/// The canned ACL and the grants of any request that may carry them: private and bucket-owner-full-control change
/// nothing and pass. Errors: AccessControlListNotSupported.
Status check_acl(const Fields& fields);

/// Customer keys on a read or a part. Errors: NotImplemented.
Status check_no_customer_key(const Fields& fields);

/// A header value that can be given back: no control character but tab.
bool is_field_value(std::string_view text) noexcept;

}  // namespace s3link::s3
