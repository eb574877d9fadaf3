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

/// A header field with its name in lower case; the value is somebody else's.
struct OrderedField {
  std::string name;
  std::string_view value;
  std::size_t position = 0;  ///< as it came
};

/// Header fields in the order they are signed: by name, those of one name as they came. Views into `fields`.
using OrderedFields = std::vector<OrderedField>;
OrderedFields in_signed_order(const Fields& fields);

/// Goes through names and fields once, both in order, so that a head costs no more than it is long: calls
/// `named(name, fields)` for each name with its fields (none: an empty span), and `unnamed(field)` for each field
/// whose name is not among them. `compare` is a three-way comparison of two names.
template <class Compare, class Named, class Unnamed>
void match_names(const SignedHeaders& names, std::span<const OrderedField> fields, Compare compare, Named named,
                 Unnamed unnamed) {
  for (const std::string& name : names) {
    std::size_t same = 0;
    while (same < fields.size()) {
      const int order = compare(fields[same].name, name);
      if (order > 0) break;
      if (order == 0) {
        ++same;
        continue;
      }
      unnamed(fields.front());
      fields = fields.subspan(1);
    }
    named(name, fields.first(same));
    fields = fields.subspan(same);
  }
  for (const OrderedField& field : fields) unnamed(field);
}

/// The comparison of names that signing uses.
inline int compare_names(std::string_view a, std::string_view b) noexcept { return a.compare(b); }

/// "host;x-amz-date".
std::string join(const SignedHeaders& names);

struct CanonicalRequest {
  std::string_view method;
  std::string_view path;   ///< from canonical_path()
  std::string_view query;  ///< from canonical_query()
  /// Several fields of one name are joined by ',', as sent; one that is missing has no value.
  std::span<const OrderedField> fields;
  const SignedHeaders& signed_headers;  ///< in order
  std::string_view payload_hash;        ///< hexadecimal SHA-256, or UNSIGNED-PAYLOAD, or STREAMING-…
};

/// Method, path, query, headers, names of the headers and payload hash, one below the other.
/// Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header", Task 1.
std::string canonical_request(const CanonicalRequest& request);

}  // namespace s3link::sigv4
