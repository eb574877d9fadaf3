#include "services/server/answers.hpp"

#include "core/base/encoding.hpp"
#include "core/s3/checksum.hpp"
#include "core/s3/operation.hpp"

namespace s3link::server {
namespace {

constexpr std::string_view type_of(const s3::ObjectChecksum& checksum) {
  return checksum.composite ? "COMPOSITE" : "FULL_OBJECT";
}

}  // namespace

std::string quoted_etag(std::string_view etag) { return "\"" + std::string(etag) + "\""; }

void add_encryption(ports::HttpFields& fields) { fields.emplace_back("x-amz-server-side-encryption", "AES256"); }

void add_expiration(ports::HttpFields& fields, const ports::ObjectInfo& object) {
  if (!object.removed_at) return;
  const std::string rule = object.removal_rule.empty() ? "object-ttl" : uri_encode(object.removal_rule);
  fields.emplace_back("x-amz-expiration",
                      "expiry-date=\"" + http_date(*object.removed_at) + "\", rule-id=\"" + rule + "\"");
}

void add_checksum(ports::HttpFields& fields, const s3::ObjectChecksum& checksum) {
  fields.emplace_back("x-amz-checksum-" + to_lower(checksum.algorithm), checksum.value);
  fields.emplace_back("x-amz-checksum-type", type_of(checksum));
}

void add_written(ports::HttpFields& fields, const ports::ObjectInfo& object) {
  add_encryption(fields);
  add_expiration(fields, object);
  fields.emplace_back("x-s3link-sequencer", object.sequencer);
}

void add_owner(s3::XmlWriter& xml, std::string_view element) {
  xml.open(element);
  xml.element("ID", s3::kOwnerId);
  xml.element("DisplayName", s3::kOwnerId);
  xml.close();
}

std::string acl_document() {
  s3::XmlWriter xml("AccessControlPolicy");
  add_owner(xml, "Owner");
  xml.open("AccessControlList");
  xml.open("Grant");
  xml.open("Grantee", "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"CanonicalUser\"");
  xml.element("ID", s3::kOwnerId);
  xml.element("DisplayName", s3::kOwnerId);
  xml.close();
  xml.element("Permission", "FULL_CONTROL");
  return xml.finish();
}

void add_checksum(s3::XmlWriter& xml, const s3::ObjectChecksum& checksum, bool with_type) {
  xml.element("Checksum" + checksum.algorithm, checksum.value);
  if (with_type) xml.element("ChecksumType", type_of(checksum));
}

std::optional<ports::EventOrigin> event_origin(const Backend& backend, const Exchange& exchange,
                                               const s3::BucketName& bucket, std::string_view event_name) {
  if (!backend.is_exchange(bucket)) return std::nullopt;
  return ports::EventOrigin{.event_name = std::string(event_name),
                            .region = backend.settings.region,
                            .principal = exchange.verified.access_key_id,
                            .source_ip = exchange.request().remote_address,
                            .request_id = exchange.request_id(),
                            .trace = exchange.trace_header()};
}

std::optional<Instant> removal_time(const Backend& backend, const s3::BucketName& bucket, Instant written) {
  if (!backend.is_exchange(bucket)) return std::nullopt;
  return written + backend.settings.object_ttl;
}

}  // namespace s3link::server
