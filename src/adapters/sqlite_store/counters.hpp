#pragma once

#include <cstdint>
#include <optional>

#include "adapters/sqlite_store/connection.hpp"

namespace s3link::sqlite_store {

/// Rows in the outbox, and in the dead letters: kept by triggers, so that asking costs the same however many there are.
std::uint64_t count_outbox(Connection& db);
std::uint64_t count_dead_letters(Connection& db);

/// When the oldest event in the outbox was made.
std::optional<Instant> oldest_event(Connection& db);

/// Whether one more event may be committed. Errors: transient, code SlowDown.
Status check_outbox_room(Connection& db, std::uint64_t max_pending);

}  // namespace s3link::sqlite_store
