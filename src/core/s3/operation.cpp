#include "core/s3/operation.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "core/base/encoding.hpp"
#include "core/s3/subresource.hpp"
#include "core/s3/write_options.hpp"
#include "core/s3/xml_reader.hpp"

namespace s3link::s3 {
namespace {

std::unexpected<Error> not_implemented(std::string_view operation) {
  return refuse(ErrorCode::not_implemented, std::string(operation) + " is not implemented by this server.");
}

/// "GET" and "BucketPolicy" make "GetBucketPolicy".
std::unexpected<Error> not_implemented(std::string_view method, std::string_view noun) {
  const std::string lower = to_lower(method);
  std::string verb = lower == "head" ? "get" : lower;
  verb[0] = static_cast<char>(verb[0] - 'a' + 'A');
  return not_implemented(verb + std::string(noun));
}

bool is_method(std::string_view text) {
  constexpr std::array<std::string_view, 6> kKnown = {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"};
  return std::ranges::find(kKnown, text) != kKnown.end();
}

Result<unsigned> parse_part_number(std::string_view text) {
  unsigned number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (ec != std::errc{} || end != text.data() + text.size() || number < 1 || number > kMaxPartNumber) {
    return refuse(ErrorCode::invalid_argument, "Part number must be an integer between 1 and 10000, inclusive");
  }
  return number;
}

/// The id of an object's only version is "null", as in a bucket that never had versioning.
Status check_version(const Fields& query) {
  const std::string* const id = find_parameter(query, "versionId");
  if (id == nullptr || *id == "null") return {};
  return refuse(ErrorCode::invalid_argument,
                id->empty() ? "Version id cannot be the empty string" : "Invalid version id specified");
}

Result<Operation> parse_list_buckets(const Fields& query) {
  ListBuckets out;
  auto prefix = parse_text(query, "prefix");
  if (!prefix) return std::unexpected(prefix.error());
  out.prefix = std::move(*prefix);
  const auto count = parse_count(query, "max-buckets", out.max_buckets);
  if (!count) return std::unexpected(count.error());
  if (*count < 1 || *count > 10'000) {
    return refuse(ErrorCode::invalid_argument, "Argument max-buckets must be an integer between 1 and 10000");
  }
  out.max_buckets = *count;
  if (const auto* const token = find_parameter(query, "continuation-token")) {
    auto from = decode_continuation(*token);
    if (!from) return std::unexpected(from.error());
    out.start_after = std::move(*from);
  }
  return out;
}

Result<Operation> parse_list_objects(BucketName bucket, const Fields& query) {
  auto page = ListPageRequest::parse(query, "max-keys");
  if (!page) return std::unexpected(page.error());
  ListObjects out{.bucket = std::move(bucket),
                  .page = std::move(*page),
                  .version = 1,
                  .marker = {},
                  .start_after = {},
                  .continuation = {},
                  .from = {},
                  .fetch_owner = false};
  const std::string* const type = find_parameter(query, "list-type");
  if (type == nullptr) {
    auto marker = parse_text(query, "marker");
    if (!marker) return std::unexpected(marker.error());
    out.from = *marker;
    out.marker = std::move(*marker);
    return out;
  }
  if (*type != "2") return refuse(ErrorCode::invalid_argument, "Invalid List Type specified in Request");
  out.version = 2;
  auto start_after = parse_text(query, "start-after");
  if (!start_after) return std::unexpected(start_after.error());
  out.from = *start_after;
  out.start_after = std::move(*start_after);
  if (const auto* const token = find_parameter(query, "continuation-token")) {
    out.continuation = *token;
    if (!token->empty()) {  // an empty one is the beginning, as clients find it in S3
      auto from = decode_continuation(*token);
      if (!from) return std::unexpected(from.error());
      out.from = std::move(*from);
    }
  }
  const std::string* const owner = find_parameter(query, "fetch-owner");
  out.fetch_owner = owner != nullptr && equals_ignoring_case(*owner, "true");
  return out;
}

Result<Operation> parse_list_versions(BucketName bucket, const Fields& query) {
  auto page = ListPageRequest::parse(query, "max-keys");
  if (!page) return std::unexpected(page.error());
  auto key = parse_text(query, "key-marker");
  if (!key) return std::unexpected(key.error());
  auto version = parse_text(query, "version-id-marker");
  if (!version) return std::unexpected(version.error());
  if (!version->empty() && key->empty()) {
    return refuse(ErrorCode::invalid_argument, "A version-id marker cannot be specified without a key marker.");
  }
  return ListObjectVersions{std::move(bucket), std::move(*page), std::move(*key), std::move(*version)};
}

Result<Operation> parse_list_uploads(BucketName bucket, const Fields& query) {
  auto page = ListPageRequest::parse(query, "max-uploads");
  if (!page) return std::unexpected(page.error());
  auto key = parse_text(query, "key-marker");
  if (!key) return std::unexpected(key.error());
  auto upload = parse_text(query, "upload-id-marker");
  if (!upload) return std::unexpected(upload.error());
  if (key->empty()) upload->clear();  // without a key marker the upload's is ignored
  return ListMultipartUploads{std::move(bucket), std::move(*page), std::move(*key), std::move(*upload)};
}

Result<Operation> parse_list_parts(BucketName bucket, ObjectKey key, std::string upload_id, const Fields& query) {
  auto page = ListPageRequest::parse(query, "max-parts");
  if (!page) return std::unexpected(page.error());
  const auto marker = parse_count(query, "part-number-marker", 0);
  if (!marker) return std::unexpected(marker.error());
  return ListParts{std::move(bucket), std::move(key), std::move(upload_id), std::move(*page),
                   static_cast<unsigned>(*marker)};
}

Result<Fields> parse_overrides(const Fields& query) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kOverrides = {
      {{"response-content-type", "Content-Type"},
       {"response-content-language", "Content-Language"},
       {"response-expires", "Expires"},
       {"response-cache-control", "Cache-Control"},
       {"response-content-disposition", "Content-Disposition"},
       {"response-content-encoding", "Content-Encoding"}}};
  Fields out;
  for (const auto& [parameter, field] : kOverrides) {
    const std::string* const value = find_parameter(query, parameter);
    if (value == nullptr) continue;
    if (!is_field_value(*value)) {
      return refuse(ErrorCode::invalid_argument, std::string(parameter) + " has a character that is not allowed.");
    }
    out.emplace_back(field, *value);
  }
  return out;
}

Result<Operation> parse_get_object(BucketName bucket, ObjectKey key, const OperationRequest& request) {
  if (auto status = check_no_customer_key(request.fields); !status) return std::unexpected(status.error());
  auto overrides = parse_overrides(request.query);
  if (!overrides) return std::unexpected(overrides.error());
  const auto range = joined_field(request.fields, "Range");
  const auto mode = joined_field(request.fields, "x-amz-checksum-mode");
  GetObject out{.bucket = std::move(bucket),
                .key = std::move(key),
                .head = request.method == "HEAD",
                .range = range ? ByteRange::parse(*range) : std::nullopt,
                .conditions = ReadConditions::parse(request.fields),
                .overrides = std::move(*overrides),
                .part_number = std::nullopt,
                .checksum_mode = mode && equals_ignoring_case(trim(*mode), "ENABLED")};
  if (const auto* const number = find_parameter(request.query, "partNumber")) {
    const auto parsed = parse_part_number(*number);
    if (!parsed) return std::unexpected(parsed.error());
    if (range) {
      return refuse(ErrorCode::invalid_request, "Cannot specify both Range header and partNumber query parameter");
    }
    out.part_number = *parsed;
  }
  return out;
}

Result<Operation> parse_get_attributes(BucketName bucket, ObjectKey key, const OperationRequest& request) {
  GetObjectAttributes out{
      .bucket = std::move(bucket), .key = std::move(key), .conditions = ReadConditions::parse(request.fields)};
  const auto list = joined_field(request.fields, "x-amz-object-attributes");
  const std::array<std::pair<std::string_view, bool*>, 5> known = {{{"ETag", &out.etag},
                                                                    {"Checksum", &out.checksum},
                                                                    {"ObjectParts", &out.object_parts},
                                                                    {"StorageClass", &out.storage_class},
                                                                    {"ObjectSize", &out.object_size}}};
  std::string_view rest = list ? std::string_view(*list) : std::string_view();
  while (true) {
    const auto comma = rest.find(',');
    const auto at = std::ranges::find(known, trim(rest.substr(0, comma)), &std::pair<std::string_view, bool*>::first);
    if (at == known.end()) return refuse(ErrorCode::invalid_argument, "Invalid attribute name specified.");
    *at->second = true;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  // Here paging travels in the head; its rules are those of the query's counts.
  Fields counts;
  for (const auto* const name : {"x-amz-max-parts", "x-amz-part-number-marker"}) {
    if (const auto value = joined_field(request.fields, name)) counts.emplace_back(name, *value);
  }
  const auto max_parts = parse_count(counts, "x-amz-max-parts", kMaxPageEntries);
  if (!max_parts) return std::unexpected(max_parts.error());
  const auto marker = parse_count(counts, "x-amz-part-number-marker", 0);
  if (!marker) return std::unexpected(marker.error());
  out.max_parts = std::min(*max_parts, kMaxPageEntries);
  out.part_number_marker = static_cast<unsigned>(*marker);
  return out;
}

Result<Operation> parse_put_object(BucketName bucket, ObjectKey key, const Fields& fields) {
  auto headers = parse_write_options(fields);
  if (!headers) return std::unexpected(headers.error());
  auto condition = WriteCondition::parse(fields);
  if (!condition) return std::unexpected(condition.error());
  auto claims = BodyClaims::parse(fields);
  if (!claims) return std::unexpected(claims.error());
  return PutObject{std::move(bucket), std::move(key), std::move(*headers), std::move(*condition), std::move(*claims)};
}

Result<Operation> parse_create_upload(BucketName bucket, ObjectKey key, const Fields& fields) {
  auto headers = parse_write_options(fields);
  if (!headers) return std::unexpected(headers.error());
  const auto checksum = MultipartChecksum::parse(fields);
  if (!checksum) return std::unexpected(checksum.error());
  return CreateMultipartUpload{std::move(bucket), std::move(key), std::move(*headers), *checksum};
}

Result<Operation> parse_upload_part(BucketName bucket, ObjectKey key, std::string upload_id,
                                    const OperationRequest& request) {
  const std::string* const number = find_parameter(request.query, "partNumber");
  if (number == nullptr) return refuse(ErrorCode::invalid_argument, "This operation needs a partNumber.");
  const auto parsed = parse_part_number(*number);
  if (!parsed) return std::unexpected(parsed.error());
  if (auto status = check_no_customer_key(request.fields); !status) return std::unexpected(status.error());
  auto claims = BodyClaims::parse(request.fields);
  if (!claims) return std::unexpected(claims.error());
  return UploadPart{std::move(bucket), std::move(key), std::move(upload_id), *parsed, std::move(*claims)};
}

Result<Operation> parse_complete_upload(BucketName bucket, ObjectKey key, std::string upload_id, const Fields& fields) {
  CompleteMultipartUpload out{.bucket = std::move(bucket),
                              .key = std::move(key),
                              .upload_id = std::move(upload_id),
                              .condition = {},
                              .checksum = {},
                              .composite = {},
                              .size_bytes = {},
                              .body_md5 = {}};
  auto condition = WriteCondition::parse(fields);
  if (!condition) return std::unexpected(condition.error());
  out.condition = std::move(*condition);
  auto checksum = parse_checksum_claim(fields);
  if (!checksum) return std::unexpected(checksum.error());
  out.checksum = std::move(*checksum);
  if (const auto type = joined_field(fields, "x-amz-checksum-type")) {
    const bool composite = equals_ignoring_case(trim(*type), "COMPOSITE");
    if (!composite && !equals_ignoring_case(trim(*type), "FULL_OBJECT")) {
      return refuse(ErrorCode::invalid_request, "Value for x-amz-checksum-type header is invalid.");
    }
    out.composite = composite;
  }
  if (const auto size = joined_field(fields, "x-amz-mp-object-size")) {
    std::uint64_t value = 0;
    const auto [end, ec] = std::from_chars(size->data(), size->data() + size->size(), value);
    if (ec != std::errc{} || end != size->data() + size->size()) {
      return refuse(ErrorCode::invalid_argument, "x-amz-mp-object-size is not a whole number.");
    }
    out.size_bytes = value;
  }
  if (const auto md5 = joined_field(fields, "Content-MD5")) {
    out.body_md5 = base64_decode(trim(*md5));
    if (!out.body_md5 || out.body_md5->size() != 16) return refuse(ErrorCode::invalid_digest);
  }
  return out;
}

Result<Operation> parse_lifecycle_operation(BucketName bucket, const OperationRequest& request) {
  if (request.method == "GET") return GetBucketLifecycleConfiguration{std::move(bucket)};
  if (request.method == "DELETE") return DeleteBucketLifecycle{std::move(bucket)};
  if (request.method != "PUT") return refuse(ErrorCode::method_not_allowed);
  auto claims = BodyClaims::parse(request.fields);
  if (!claims) return std::unexpected(claims.error());
  return PutBucketLifecycleConfiguration{std::move(bucket), std::move(*claims)};
}

Result<Operation> parse_bucket_operation(BucketName bucket, const OperationRequest& request) {
  const auto sub = find_subresource(request.query, false);
  if (!sub) return std::unexpected(sub.error());
  const std::string_view method = request.method;
  const bool get = method == "GET";
  switch (sub->kind) {
    case Subresource::none:
      if (get) return parse_list_objects(std::move(bucket), request.query);
      if (method == "HEAD") return HeadBucket{std::move(bucket)};
      if (method == "DELETE") return DeleteBucket{std::move(bucket)};
      if (method == "PUT") {
        if (auto status = check_acl(request.fields); !status) return std::unexpected(status.error());
        const auto lock = joined_field(request.fields, "x-amz-bucket-object-lock-enabled");
        if (lock && equals_ignoring_case(trim(*lock), "true")) return not_implemented("Object Lock");
        return CreateBucket{std::move(bucket)};
      }
      if (method == "POST") return not_implemented("PostObject");
      return refuse(ErrorCode::method_not_allowed);
    case Subresource::location:
      if (get) return GetBucketLocation{std::move(bucket)};
      return refuse(ErrorCode::method_not_allowed);
    case Subresource::versions:
      if (get) return parse_list_versions(std::move(bucket), request.query);
      return refuse(ErrorCode::method_not_allowed);
    case Subresource::uploads:
      if (get) return parse_list_uploads(std::move(bucket), request.query);
      return refuse(ErrorCode::method_not_allowed);
    case Subresource::del: {
      if (method != "POST") return refuse(ErrorCode::method_not_allowed);
      auto claims = BodyClaims::parse(request.fields);
      if (!claims) return std::unexpected(claims.error());
      return DeleteObjects{std::move(bucket), std::move(*claims)};
    }
    case Subresource::lifecycle:
      return parse_lifecycle_operation(std::move(bucket), request);
    case Subresource::bucket_configuration:
      if (get) return GetBucketConfiguration{std::move(bucket), sub->answer};
      if (method == "PUT" && sub->noun == "BucketAcl") {
        if (auto status = check_acl(request.fields); !status) return std::unexpected(status.error());
        // An ACL in the body would be another than the owner's; only the canned one is known to be private.
        if (find_field(request.fields, "x-amz-acl") == nullptr) {
          return refuse(ErrorCode::access_control_list_not_supported);
        }
        return PutAcl{std::move(bucket), std::nullopt};
      }
      return not_implemented(method, sub->noun);
    default:
      return not_implemented(method, sub->noun);
  }
}

Result<Operation> parse_plain_object(BucketName bucket, ObjectKey key, const OperationRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") {
    return parse_get_object(std::move(bucket), std::move(key), request);
  }
  if (request.method == "PUT") {
    if (find_parameter(request.query, "partNumber") != nullptr) {
      return refuse(ErrorCode::invalid_argument, "This operation needs an uploadId.");
    }
    return parse_put_object(std::move(bucket), std::move(key), request.fields);
  }
  if (request.method == "DELETE") {
    for (const auto* const name : {"If-Match", "x-amz-if-match-size", "x-amz-if-match-last-modified-time"}) {
      if (find_field(request.fields, name) != nullptr) return not_implemented("A conditional DeleteObject");
    }
    return DeleteObject{std::move(bucket), std::move(key)};
  }
  return refuse(ErrorCode::method_not_allowed);
}

Result<Operation> parse_object_operation(BucketName bucket, ObjectKey key, const OperationRequest& request) {
  const auto sub = find_subresource(request.query, true);
  if (!sub) return std::unexpected(sub.error());
  if (auto status = check_version(request.query); !status) return std::unexpected(status.error());
  const std::string_view method = request.method;
  if (method == "PUT" && find_field(request.fields, "x-amz-copy-source") != nullptr) {
    return not_implemented(sub->kind == Subresource::upload_id ? "UploadPartCopy" : "CopyObject");
  }
  switch (sub->kind) {
    case Subresource::none:
      return parse_plain_object(std::move(bucket), std::move(key), request);
    case Subresource::acl:
      if (method == "GET") return GetObjectAcl{std::move(bucket), std::move(key)};
      if (method == "PUT" && find_field(request.fields, "x-amz-acl") != nullptr) {
        if (auto status = check_acl(request.fields); !status) return std::unexpected(status.error());
        return PutAcl{std::move(bucket), std::move(key)};
      }
      if (method == "PUT") return refuse(ErrorCode::access_control_list_not_supported);
      return refuse(ErrorCode::method_not_allowed);
    case Subresource::attributes:
      if (method == "GET") return parse_get_attributes(std::move(bucket), std::move(key), request);
      return refuse(ErrorCode::method_not_allowed);
    case Subresource::tagging:
      if (method == "GET") return GetObjectTagging{std::move(bucket), std::move(key)};
      return not_implemented(method, sub->noun);
    case Subresource::uploads:
      if (method == "POST") return parse_create_upload(std::move(bucket), std::move(key), request.fields);
      return refuse(ErrorCode::method_not_allowed);
    case Subresource::upload_id: {
      std::string id = *find_parameter(request.query, "uploadId");
      if (id.empty() || id.size() > ObjectKey::kMaxBytes || !is_utf8(id)) return refuse(ErrorCode::no_such_upload);
      if (method == "GET") return parse_list_parts(std::move(bucket), std::move(key), std::move(id), request.query);
      if (method == "PUT") return parse_upload_part(std::move(bucket), std::move(key), std::move(id), request);
      if (method == "POST") {
        return parse_complete_upload(std::move(bucket), std::move(key), std::move(id), request.fields);
      }
      if (method == "DELETE") return AbortMultipartUpload{std::move(bucket), std::move(key), std::move(id)};
      return refuse(ErrorCode::method_not_allowed);
    }
    default:
      return not_implemented(method, sub->noun);
  }
}

}  // namespace

std::string bucket_of_host(const Fields& fields, std::string_view domain) {
  const std::string* const field = find_field(fields, "Host");
  if (field == nullptr || domain.empty()) return {};
  std::string host = to_lower(*field);
  if (const auto colon = host.rfind(':'); colon != std::string::npos && !host.ends_with(']')) host.resize(colon);
  const std::string suffix = "." + to_lower(domain);
  if (host.size() <= suffix.size() || !host.ends_with(suffix)) return {};
  host.resize(host.size() - suffix.size());
  return host;
}

std::string other_host(const Fields& fields, std::string_view domain, std::string_view public_host) {
  const std::string* const host = find_field(fields, "Host");
  if (host == nullptr) return {};
  std::string plain = to_lower(*host);
  for (const std::string_view port : {":80", ":443"}) {
    if (plain.ends_with(port)) {
      plain.resize(plain.size() - port.size());
      break;
    }
  }
  if (public_host.empty() || plain == public_host || !bucket_of_host(fields, domain).empty() ||
      !bucket_of_host({{"Host", std::string(public_host)}}, domain).empty()) {
    return plain == *host ? std::string() : plain;
  }
  return std::string(public_host);
}

Result<std::optional<Fields>> with_query_fields(const Fields& fields, const Fields& query) {
  constexpr std::array<std::string_view, 8> kOfTheSignature = {
      "x-amz-algorithm",     "x-amz-credential", "x-amz-date",           "x-amz-expires",
      "x-amz-signedheaders", "x-amz-signature",  "x-amz-security-token", "x-amz-content-sha256"};
  std::optional<Fields> out;
  for (const auto& [parameter, value] : query) {
    std::string name = to_lower(parameter);
    if (!name.starts_with("x-amz-") || name.starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm" ||
        std::ranges::find(kOfTheSignature, name) != kOfTheSignature.end()) {
      continue;
    }
    if (const std::string* const field = find_field(fields, name)) {
      if (trim(*field) == trim(value)) continue;
      return refuse(ErrorCode::invalid_argument,
                    "The query parameter " + name.substr(0, 64) + " and the header of that name differ.");
    }
    if (!out) out = fields;
    out->emplace_back(std::move(name), value);
  }
  return out;
}

Result<Operation> parse_operation(const OperationRequest& request, std::string_view domain) {
  if (!is_method(request.method)) return refuse(ErrorCode::method_not_allowed);
  if (!request.path.starts_with('/')) return refuse(ErrorCode::invalid_uri);
  if (const auto owner = joined_field(request.fields, "x-amz-expected-bucket-owner");
      owner && trim(*owner) != kOwnerId) {
    return refuse(ErrorCode::access_denied);
  }
  std::string bucket_text = bucket_of_host(request.fields, domain);
  std::string_view rest = request.path.substr(1);
  if (bucket_text.empty()) {
    if (rest.empty()) {
      if (request.method == "GET") return parse_list_buckets(request.query);
      return refuse(ErrorCode::method_not_allowed);
    }
    const auto slash = rest.find('/');
    bucket_text = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  }
  auto bucket = BucketName::parse(bucket_text);
  if (!bucket) return std::unexpected(bucket.error());
  if (rest.empty()) return parse_bucket_operation(std::move(*bucket), request);
  auto key = ObjectKey::parse(rest);
  if (!key) return std::unexpected(key.error());
  return parse_object_operation(std::move(*bucket), std::move(*key), request);
}

}  // namespace s3link::s3
