#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/result.hpp"
#include "ports/dead_letter_queue.hpp"

namespace s3link::server {

/// Which dead letters a request is about.
struct DeadLetterSelection {
  std::vector<std::int64_t> ids;                  ///< by name, 1 to 1000
  std::optional<ports::DeadLetterFilter> filter;  ///< or all of these, a page at a time
  std::optional<std::int64_t> after;              ///< with `filter`: the page after that id
};

inline constexpr std::size_t kMaxSelectionBytes = std::size_t{64} * 1024;

/// {"ids":[1,2]}, {"all":true} or {"reason":"denied"}; the last two with "after" where they go on.
/// Errors: InvalidArgument, naming the member that is wrong.
Result<DeadLetterSelection> parse_dead_letter_selection(std::string_view json);

/// A decimal id. Errors: InvalidArgument.
Result<std::int64_t> parse_dead_letter_id(std::string_view text);

}  // namespace s3link::server
