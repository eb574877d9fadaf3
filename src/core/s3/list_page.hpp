#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"
#include "core/s3/fields.hpp"

namespace s3link::s3 {

inline constexpr std::size_t kMaxPageEntries = 1000;

/// What all listings share. Strings are UTF-8 and at most 1,024 bytes; the query's own limit bounds their number.
struct ListPageRequest {
  std::string prefix;
  std::string delimiter;                      ///< of any length; empty: none
  std::size_t max_entries = kMaxPageEntries;  ///< 0 to 1,000; a larger wish is cut
  bool encode_url = false;                    ///< encoding-type=url

  /// `max_name`: "max-keys", "max-uploads" or "max-parts". Errors: InvalidArgument.
  static Result<ListPageRequest> parse(const Fields& query, std::string_view max_name);

  /// A key or prefix as it goes into the answer. A space becomes %20, not the plus of AWS: every decoder reads that.
  std::string encoded(std::string_view text) const;
};

/// A whole number parameter of 0 to 2,147,483,647; `fallback` when it is missing or empty. Errors: InvalidArgument.
Result<std::size_t> parse_count(const Fields& query, std::string_view name, std::size_t fallback);

/// A text parameter; empty when it is missing. Errors: InvalidArgument (not UTF-8, or over 1,024 bytes).
Result<std::string> parse_text(const Fields& query, std::string_view name);

/// Where the next page begins, as an opaque text; only what it says is trusted, not who made it: it is no secret and
/// gives no right.
std::string encode_continuation(std::string_view start_after);
/// Errors: InvalidArgument.
Result<std::string> decode_continuation(std::string_view token);

}  // namespace s3link::s3
