#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/s3/names.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// Lines of one access log, each ended by "\n".
struct AccessLogLines {
  std::string text;
  std::uint64_t count = 0;
};

/// Where access log lines wait, on disk, until enough are together for an object.
/// Errors everywhere: transient (disk full, writes refused), internal, corrupt.
/// Thread safety: any number of calls at a time; publish() one at a time.
class AccessLogJournal {
 public:
  virtual ~AccessLogJournal() = default;

  struct Waiting {
    std::uint64_t lines = 0;
    std::uint64_t bytes = 0;
    std::optional<Instant> oldest;  ///< when the oldest was appended; empty: none waits
  };
  virtual Awaitable<Result<Waiting>> waiting() = 0;

  /// On return the lines are committed and synced.
  virtual Awaitable<Status> append(AccessLogLines lines, Instant now) = 0;

  struct Target {
    s3::BucketName bucket;
    s3::ObjectKey key;
    Instant removed_at;
    std::uint64_t max_bucket_bytes = std::numeric_limits<std::uint64_t>::max();  ///< of all objects in the bucket
  };
  struct Published {
    std::uint64_t lines = 0;    ///< 0: none waited, and no object was made
    std::uint64_t removed = 0;  ///< older objects that went to make room
    std::uint64_t damaged = 0;  ///< appends that cannot be read; they are gone, and in no object
  };
  /// Makes an object of the oldest lines, up to `max_lines` and `max_bytes` (at least one append() is taken whole), and
  /// takes them out of the journal in the same transaction: no line is in two objects, none in neither. There is no
  /// event about the object. While the bucket then holds more bytes than it may, the first of its other objects, by
  /// their keys, go: at most 256 at a time.
  /// Errors: NoSuchBucket.
  virtual Awaitable<Result<Published>> publish(Target target, Instant now, std::uint64_t max_lines,
                                               std::uint64_t max_bytes) = 0;
};

}  // namespace s3link::ports
