#pragma once

#include <cstdint>
#include <vector>

#include "adapters/sqlite_store/connection.hpp"
#include "ports/dead_letter_queue.hpp"

namespace s3link::sqlite_store {

/// SQL over the table `attempts`, inside the caller's transaction: the failed attempts of an event in the outbox or
/// among the dead letters. As everywhere on a Connection, failures of the database show in its error().

/// Adds one; of more than ports::kMostAttemptsKept the oldest go.
void add_attempt(Connection& db, std::int64_t event, Instant at, const ports::FailureReason& reason);
/// Oldest first.
std::vector<ports::FailedAttempt> read_attempts(Connection& db, std::int64_t event);
void forget_attempts(Connection& db, std::int64_t event);

/// As above, over the table `refusals`: the recipients of an event in the outbox that are not tried again. The first
/// refusal of a recipient stays.
void add_refusals(Connection& db, std::int64_t event, const std::vector<ports::FailureReason>& refused);
/// By recipient.
std::vector<ports::FailureReason> read_refusals(Connection& db, std::int64_t event);
void forget_refusals(Connection& db, std::int64_t event);

}  // namespace s3link::sqlite_store
