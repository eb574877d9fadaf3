#include "core/s3/write_options.hpp"

#include <algorithm>
#include <array>

#include "core/base/encoding.hpp"
#include "core/s3/error_code.hpp"

namespace s3link::s3 {
namespace {

bool begins_with_any(const Fields& fields, std::string_view prefix) {
  return std::ranges::any_of(fields, [&](const auto& field) { return to_lower(field.first).starts_with(prefix); });
}

Status check_encryption(const Fields& fields) {
  if (auto status = check_no_customer_key(fields); !status) return status;
  const auto algorithm = joined_field(fields, "x-amz-server-side-encryption");
  if (algorithm && trim(*algorithm).starts_with("aws:")) {
    return refuse(ErrorCode::not_implemented, "Encryption with KMS keys is not implemented; AES256 is always on.");
  }
  if (algorithm && trim(*algorithm) != "AES256") return refuse(ErrorCode::invalid_encryption_algorithm);
  if (begins_with_any(fields, "x-amz-server-side-encryption-")) {
    return refuse(ErrorCode::not_implemented, "Encryption with KMS keys is not implemented; AES256 is always on.");
  }
  return {};
}

Status check_features(const Fields& fields) {
  if (const auto storage_class = joined_field(fields, "x-amz-storage-class");
      storage_class && trim(*storage_class) != "STANDARD") {
    return refuse(ErrorCode::invalid_storage_class);
  }
  if (begins_with_any(fields, "x-amz-object-lock-")) {
    return refuse(ErrorCode::invalid_request, "Bucket is missing Object Lock Configuration");
  }
  constexpr std::array<std::string_view, 3> kNotOffered = {"x-amz-tagging", "x-amz-website-redirect-location",
                                                           "x-amz-write-offset-bytes"};
  for (const std::string_view name : kNotOffered) {
    if (find_field(fields, name) != nullptr) {
      return refuse(ErrorCode::not_implemented, std::string(name) + " is not implemented.");
    }
  }
  return {};
}

/// Content-Encoding without the coding that was only for the way here.
std::string without_aws_chunked(std::string_view list) {
  std::string out;
  while (true) {
    const auto comma = list.find(',');
    const std::string_view coding = trim(list.substr(0, comma));
    if (!coding.empty() && !equals_ignoring_case(coding, "aws-chunked")) {
      if (!out.empty()) out += ", ";
      out += coding;
    }
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

Status add_metadata(ObjectHeaders& headers, const Fields& fields) {
  constexpr std::string_view kPrefix = "x-amz-meta-";
  std::size_t bytes = 0;
  for (const auto& [field, value] : fields) {
    std::string name = to_lower(field);
    if (!name.starts_with(kPrefix) || name.size() == kPrefix.size()) continue;
    name.erase(0, kPrefix.size());
    if (!is_field_value(value)) return refuse(ErrorCode::invalid_argument, "Metadata with control characters.");
    const auto same = std::ranges::find(headers.metadata, name, &std::pair<std::string, std::string>::first);
    if (same != headers.metadata.end()) {
      same->second += "," + value;
      bytes += value.size() + 1;
    } else {
      bytes += name.size() + value.size();
      headers.metadata.emplace_back(std::move(name), value);
    }
  }
  if (bytes > kMaxMetadataBytes) return refuse(ErrorCode::metadata_too_large);
  return {};
}

}  // namespace

bool is_field_value(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7F;
  });
}

Status check_acl(const Fields& fields) {
  const auto acl = joined_field(fields, "x-amz-acl");
  const bool harmless = !acl || trim(*acl) == "private" || trim(*acl) == "bucket-owner-full-control";
  if (!harmless || begins_with_any(fields, "x-amz-grant-")) {
    return refuse(ErrorCode::access_control_list_not_supported);
  }
  return {};
}

Status check_no_customer_key(const Fields& fields) {
  if (begins_with_any(fields, "x-amz-server-side-encryption-customer-")) {
    return refuse(ErrorCode::not_implemented, "Encryption with customer keys (SSE-C) is not implemented.");
  }
  return {};
}

Result<ObjectHeaders> parse_write_options(const Fields& fields) {
  for (const auto& status : {check_acl(fields), check_encryption(fields), check_features(fields)}) {
    if (!status) return std::unexpected(status.error());
  }
  ObjectHeaders headers;
  const std::array<std::pair<std::string_view, std::string*>, 6> kept = {
      {{"Content-Type", &headers.content_type},
       {"Cache-Control", &headers.cache_control},
       {"Content-Disposition", &headers.content_disposition},
       {"Content-Encoding", &headers.content_encoding},
       {"Content-Language", &headers.content_language},
       {"Expires", &headers.expires}}};
  for (const auto& [name, to] : kept) {
    const auto value = joined_field(fields, name);
    if (!value) continue;
    if (!is_field_value(*value)) return refuse(ErrorCode::invalid_argument, std::string(name) + " is not valid.");
    *to = std::string(trim(*value));
  }
  headers.content_encoding = without_aws_chunked(headers.content_encoding);
  if (auto status = add_metadata(headers, fields); !status) return std::unexpected(status.error());
  return headers;
}

}  // namespace s3link::s3
