#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.hpp"

namespace s3link::sigv4 {

/// Header fields, or query parameters, in the order they came; the type of ports::HttpFields.
using Fields = std::vector<std::pair<std::string, std::string>>;

/// One of them, kept by somebody else.
using FieldView = std::pair<std::string_view, std::string_view>;

inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";

/// A request target taken apart: "/bucket/a%20b?prefix=c+d".
struct Target {
  std::string path;  ///< decoded; "." and ".." and "//" stay as they are
  Fields query;      ///< decoded ('+' is a space), in the order sent; without '=' the value is empty
};

/// Origin form only: begins with '/'. Errors: invalid_argument, code InvalidURI (broken escape, other forms).
Result<Target> parse_target(std::string_view target);

/// How a path is written into the canonical request: S3 encodes it once, every other service once more.
enum class PathEncoding { once, twice };

/// The path of the canonical request, from a decoded one.
std::string canonical_path(std::string_view path, PathEncoding encoding = PathEncoding::once);

/// The query of the canonical request from decoded parameters: each encoded, then sorted by name and value.
std::string canonical_query(const Fields& query);
/// The same. Parameters that come in that order already are encoded in one pass.
std::string canonical_query(std::span<const FieldView> query);

/// A field's value as it is signed: no blanks at the ends, each run of blanks and tabs inside is one space.
std::string canonical_value(std::string_view value);

/// Names in lower case, in the order they are signed: "host;x-amz-date" without the semicolons.
using SignedHeaders = std::vector<std::string>;

/// "host;x-amz-date".
std::string join(const SignedHeaders& names);

struct CanonicalRequest {
  std::string_view method;
  std::string_view path;   ///< from canonical_path()
  std::string_view query;  ///< from canonical_query()
  const Fields& fields;    ///< several fields of one name are joined by ',', as sent; one that is missing has no value
  const SignedHeaders& signed_headers;
  std::string_view payload_hash;  ///< hexadecimal SHA-256, or UNSIGNED-PAYLOAD, or STREAMING-…
};

/// Method, path, query, headers, names of the headers and payload hash, one below the other.
/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", Task 1.
std::string canonical_request(const CanonicalRequest& request);

}  // namespace s3link::sigv4
