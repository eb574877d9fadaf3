#pragma once

#include <string>
#include <vector>

#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// Looks up TXT records in the DNS.
/// Thread safety: calls from the executor it was made on; any number at a time.
class TextRecords {
 public:
  virtual ~TextRecords() = default;

  /// The TXT records of a name, at least one, each with its strings joined (RFC 7208 §3.3), as bytes from outside.
  /// Errors: not_found (no such name, or no such record), transient (no answer in time, servers that refuse or fail, an
  /// answer that makes no sense), invalid_argument (not a name).
  virtual Awaitable<Result<std::vector<std::string>>> find(std::string name) = 0;
};

}  // namespace s3link::ports
