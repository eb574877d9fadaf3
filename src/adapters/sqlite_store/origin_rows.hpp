#pragma once

#include <cstdint>

#include "adapters/sqlite_store/connection.hpp"
#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/event/origins.hpp"

namespace s3link::sqlite_store {

struct BegunOrigin {
  std::uint64_t next_number = 0;  ///< the first commit number of this origin
  event::Origins origins;         ///< of this number, and of those of every event that is still to be mailed
};

/// Begins an origin, in a transaction of its own. In a folder that was restored (kRestoredMark) numbers go on above all
/// that were given out before: at the microseconds since 1970 (no store makes a million commits a second), and by 10^9
/// higher than in the copy, whatever the clock says. Errors: corrupt (no commit number), transient, internal.
Result<BegunOrigin> begin_origin(Connection& writer, Instant now);

}  // namespace s3link::sqlite_store
