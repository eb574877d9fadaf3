#include "services/server/request_subject.hpp"

#include "core/base/encoding.hpp"
#include "core/base/foreign_text.hpp"
#include "core/s3/access_log_record.hpp"
#include "core/s3/operation.hpp"
#include "core/s3/operation_name.hpp"
#include "core/sigv4/canonical_request.hpp"

namespace s3link::server {
namespace {

/// The fields that decide which operation it is.
s3::Fields deciding_fields(const ports::HttpFields& fields) {
  s3::Fields out;
  for (const char* const name : {"Host", "x-amz-copy-source", "x-amz-acl"}) {
    if (const std::string* const value = ports::find_field(fields, name)) out.emplace_back(name, *value);
  }
  return out;
}

std::string operation_of(const ports::HttpRequestHead& request, bool has_key, std::string_view domain) {
  if (const auto target = sigv4::parse_target(request.target)) {
    const auto fields = deciding_fields(request.fields);
    const auto asked = s3::parse_operation({request.method, target->path, target->query, fields}, domain);
    if (asked) return std::string(s3::subject_of(*asked).name);
  }
  return s3::access_log_operation(request.method, request.target, has_key);
}

}  // namespace

RequestSubject names_of(const ports::HttpRequestHead& request, const RequestRecord& record, std::string_view domain) {
  if (!record.bucket.empty()) return {.operation = {}, .bucket = record.bucket, .key = record.key};
  const std::string_view target = request.target;
  std::string_view path = target.substr(0, target.find('?'));
  if (path.starts_with('/')) path.remove_prefix(1);
  const auto decoded = [](std::string_view text) { return uri_decode(text).value_or(std::string(text)); };
  if (std::string bucket = s3::bucket_of_host(request.fields, domain); !bucket.empty()) {
    return {.operation = {}, .bucket = std::move(bucket), .key = decoded(path)};
  }
  if (target.starts_with("/_/")) return {};
  const auto slash = path.find('/');
  return {.operation = {},
          .bucket = decoded(path.substr(0, slash)),
          .key = slash == std::string_view::npos ? std::string() : decoded(path.substr(slash + 1))};
}

RequestSubject subject_of(const ports::HttpRequestHead& request, const RequestRecord& record, std::string_view domain) {
  if (!record.operation.empty()) {
    return {.operation = std::string(record.operation), .bucket = record.bucket, .key = record.key};
  }
  RequestSubject out = names_of(request, record, domain);
  const bool ours = out.bucket.empty() && request.target.starts_with("/_/");
  if (!ours) out.operation = operation_of(request, !out.key.empty(), domain);
  return out;
}

std::string shown_name(std::string name) {
  constexpr std::size_t kMax = 1024;
  if (name.size() > kMax) name.resize(kMax);
  return cut_signatures(name);
}

}  // namespace s3link::server
