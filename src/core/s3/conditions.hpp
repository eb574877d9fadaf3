#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/s3/fields.hpp"

namespace s3link::s3 {

/// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since and If-Range of a GET or HEAD.
struct ReadConditions {
  std::optional<std::string> if_match;       ///< the list as sent
  std::optional<std::string> if_none_match;  ///< the list as sent
  std::optional<Instant> if_modified_since;
  std::optional<Instant> if_unmodified_since;
  std::optional<std::string> if_range;  ///< an entity tag or a date, as sent

  /// Dates that are not IMF-fixdate are ignored (RFC 9110 §13.1.3).
  static ReadConditions parse(const Fields& fields);
};

enum class ReadVerdict { proceed, not_modified, precondition_failed };

/// In the order of RFC 9110 §13.2.2: If-Match hides If-Unmodified-Since, If-None-Match hides If-Modified-Since.
/// `etag` without quotes. Entity tags may come without quotes, too, as S3 allows.
ReadVerdict evaluate(const ReadConditions& conditions, std::string_view etag, Instant modified);

/// Whether a Range field is to be followed: no If-Range, or one that names this very object.
bool range_applies(const ReadConditions& conditions, std::string_view etag, Instant modified);

/// If-Match and If-None-Match of a write; evaluated inside the commit.
struct WriteCondition {
  bool if_none_exists = false;          ///< If-None-Match: *
  std::optional<std::string> if_match;  ///< ETag without quotes, or "*": any object

  /// Errors: NotImplemented (an If-None-Match other than "*", both fields, or dates), as S3 answers.
  static Result<WriteCondition> parse(const Fields& fields);
};

}  // namespace s3link::s3
