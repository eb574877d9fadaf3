#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/s3/xml_writer.hpp"
#include "ports/bucket_store.hpp"
#include "ports/http_handler.hpp"
#include "services/server/backend.hpp"
#include "services/server/exchange.hpp"

namespace s3link::server {

/// Pieces of answers that several handlers share.

std::string quoted_etag(std::string_view etag);

/// The fields that say how objects are kept: x-amz-server-side-encryption.
void add_encryption(ports::HttpFields& fields);
/// x-amz-expiration, for an object that will be removed; the rule is "object-ttl" where none of the bucket's decides.
void add_expiration(ports::HttpFields& fields, const ports::ObjectInfo& object);
/// x-amz-checksum-… and x-amz-checksum-type.
void add_checksum(ports::HttpFields& fields, const s3::ObjectChecksum& checksum);
/// What PutObject and CompleteMultipartUpload say of the object they made: where `send` finds its delivery, too.
void add_written(ports::HttpFields& fields, const ports::ObjectInfo& object);

/// <Owner> or <Initiator>.
void add_owner(s3::XmlWriter& xml, std::string_view element);
/// The ACL of everything here: the owner has full control.
std::string acl_document();
/// <ChecksumCRC32> and <ChecksumType>.
void add_checksum(s3::XmlWriter& xml, const s3::ObjectChecksum& checksum, bool with_type);

/// The event of a write, for the exchange bucket; empty for any other.
std::optional<ports::EventOrigin> event_origin(const Backend& backend, const Exchange& exchange,
                                               const s3::BucketName& bucket, std::string_view event_name);
/// When an object written at that moment is removed, unless a lifecycle rule says otherwise.
std::optional<Instant> removal_time(const Backend& backend, const s3::BucketName& bucket, Instant written);

}  // namespace s3link::server
