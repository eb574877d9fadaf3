#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace s3link::mail {

/// So many mails in so much time: "1/s", "30/m", "60/h", "1000/d".
struct Rate {
  unsigned count = 1;  ///< 1 or more
  std::chrono::seconds per{1};

  /// A whole number from 1 to 1,000,000, '/', and s, m, h or d. Errors: invalid_argument.
  static Result<Rate> parse(std::string_view text);
  /// What parse() reads.
  std::string text() const;
  /// Between two mails that are spread evenly.
  std::chrono::milliseconds interval() const noexcept {
    return std::chrono::duration_cast<std::chrono::milliseconds>(per) / count;
  }
  bool operator==(const Rate&) const = default;
};

}  // namespace s3link::mail
