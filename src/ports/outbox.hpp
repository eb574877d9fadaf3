#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// One event that waits to be delivered.
struct OutboxEntry {
  std::int64_t id = 0;
  std::string event_json;   ///< the notification document, as build_notification wrote it
  Instant created;
  unsigned attempts = 0;    ///< failed ones so far
  std::optional<Instant> first_failure;
};

/// Why an event ended without being delivered, or waits for its next attempt.
struct FailureReason {
  std::string kind;     ///< to_string(ErrorKind), or a rule's name: "unlinkable_key"
  std::string message;  ///< the relay's own words, or what is wrong; no secret
};

/// Events committed together with their objects: pending → claimed (lease) → delivered | dead | dropped.
/// An entry leaves the outbox only into the ledger's side (delivered), the dead-letter queue or a named drop rule.
/// A store that one process has to itself releases all claims when it is opened: whoever held them is dead.
/// Durability: on return the change is committed and synced. Thread safety: any number of calls at a time.
class Outbox {
 public:
  virtual ~Outbox() = default;

  /// Called after each commit that added or released entries, from an unspecified thread; must return at once.
  /// Set once, before the first write; an empty function removes it.
  virtual void on_new_entry(std::function<void()> wake) = 0;

  /// Claims up to `max` entries that are due at `now` and not claimed by a lease that still runs, oldest due first.
  virtual Awaitable<Result<std::vector<OutboxEntry>>> take_due(Instant now, std::size_t max, Instant lease_until) = 0;
  /// When the next entry becomes due or its lease ends; empty when there is none.
  virtual Awaitable<Result<std::optional<Instant>>> next_due() = 0;

  virtual Awaitable<Status> mark_delivered(std::int64_t id) = 0;
  /// Counts a failed attempt and releases the claim; due again at `due`.
  virtual Awaitable<Status> reschedule(std::int64_t id, Instant failed_at, Instant due, FailureReason reason) = 0;
  /// Moves the entry to the dead-letter queue.
  virtual Awaitable<Status> give_up(std::int64_t id, Instant failed_at, FailureReason reason) = 0;
  /// Ends the entry by a rule; the rule's name and text are kept with it.
  virtual Awaitable<Status> drop(std::int64_t id, Instant when, FailureReason rule) = 0;
};

}  // namespace s3link::ports
