#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"

namespace s3link::s3 {

inline constexpr std::size_t kMaxLifecycleBytes = std::size_t{1024} * 1024;
inline constexpr std::size_t kMaxLifecycleRules = 1000;
inline constexpr std::size_t kMaxLifecycleIdBytes = 255;
/// Ten years: nothing that is exchanged is kept longer by a rule.
inline constexpr unsigned kMaxLifecycleDays = 3650;
/// How long an incomplete multipart upload is kept when no rule says otherwise.
inline constexpr std::chrono::days kIncompleteUploadAge(7);

/// One rule of a lifecycle configuration: what is offered of it. Days are counted to the second from the creation.
struct LifecycleRule {
  std::string id;  ///< 1 to 255 bytes; empty: the client gave none, and the server is to make one up
  bool enabled = false;
  std::string prefix;            ///< empty: the whole bucket
  bool prefix_in_filter = true;  ///< else <Prefix> stands in the rule itself, the older form; answered as it came
  std::optional<std::chrono::days> expiration;    ///< 1 to 3,650
  std::optional<std::chrono::days> abort_upload;  ///< 1 to 3,650; this or expiration is there

  bool operator==(const LifecycleRule&) const = default;
};

using LifecycleRules = std::vector<LifecycleRule>;

/// <LifecycleConfiguration>, in both forms (Filter, or the older Prefix in the rule): 1 to 1,000 rules in their order.
/// Errors: MalformedXML; MaxMessageLengthExceeded; InvalidArgument (days, ids); InvalidRequest (a rule that does
/// nothing); NotImplemented, naming the part: transitions, noncurrent versions, tags, sizes, dates, delete markers.
/// Source: Amazon S3 API Reference, "PutBucketLifecycleConfiguration"; User Guide, "Lifecycle configuration elements".
Result<LifecycleRules> parse_lifecycle(std::string_view xml);

/// The document GetBucketLifecycleConfiguration answers.
std::string lifecycle_document(const LifecycleRules& rules);

/// The enabled rule with an expiration that decides over that key: the shortest, of equal ones the first; or null.
/// Source: Amazon S3 User Guide, "Lifecycle configuration: conflicts" (overlapping rules: the shorter expiration).
const LifecycleRule* expiration_rule(const LifecycleRules& rules, std::string_view key) noexcept;

/// How long an incomplete upload under that key is kept: the shortest enabled rule's, else kIncompleteUploadAge.
std::chrono::days incomplete_upload_age(const LifecycleRules& rules, std::string_view key) noexcept;

}  // namespace s3link::s3
