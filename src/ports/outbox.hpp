#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/delivery/retry_policy.hpp"
#include "core/delivery/room.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// Why an event ended without being delivered, or waits for its next attempt.
struct FailureReason {
  std::string kind;            ///< its class: to_string(ErrorKind), or a rule's name: "unlinkable_key"
  std::string message;         ///< what is wrong, for a person; no secret
  std::string recipient = {};  ///< whose mail failed, several separated by ", "; empty: nobody's in particular
  std::string reply = {};      ///< the relay's own words, several separated by "; "; empty: no relay spoke
  bool operator==(const FailureReason&) const = default;
};

/// One event that waits to be delivered.
struct OutboxEntry {
  std::int64_t id = 0;
  std::string event_json;  ///< the notification document, as build_notification wrote it
  Instant created;
  unsigned attempts = 0;                    ///< failed ones so far, since the last redrive
  std::optional<Instant> first_failure;     ///< before a redrive, too: empty means that it has never failed
  Instant due{};                            ///< from when on it waited to be taken
  std::string trace = {};                   ///< EventOrigin's
  Instant since{};                          ///< from when on its time is counted: created, or the last redrive
  std::string last_failure = {};            ///< kind of the reason it failed for last; empty: it has never failed
  std::vector<FailureReason> refused = {};  ///< recipients that are not tried again, one each; since the last redrive
};

/// When the next entry becomes due or its lease ends; empty where there is none.
struct NextDue {
  std::optional<Instant> fresh;    ///< among those that never failed
  std::optional<Instant> retried;  ///< among the others
  bool operator==(const NextDue&) const = default;
};

/// Failed attempts kept of each event: the last ones.
inline constexpr std::size_t kMostAttemptsKept = 20;

/// Events committed together with their objects: pending → claimed (lease) → delivered | dead | dropped.
/// An entry leaves the outbox only into the ledger's side (delivered), the dead-letter queue or a named drop rule.
/// Each failed attempt is kept with the event (the last kMostAttemptsKept), until it is delivered or dropped.
/// A store that one process has to itself releases all claims when it is opened: whoever held them is dead.
/// Durability: on return the change is committed and synced. Thread safety: any number of calls at a time.
class Outbox {
 public:
  virtual ~Outbox() = default;

  /// Called after each commit that added or released entries, from an unspecified thread; must return at once.
  /// Set once, before the first write; an empty function removes it.
  virtual void on_new_entry(std::function<void()> wake) = 0;

  /// Claims as many entries as there is room for, of those that are due at `now` and not claimed by a lease that still
  /// runs: of each sort (fresh, retried) the oldest due first.
  virtual Awaitable<Result<std::vector<OutboxEntry>>> take_due(Instant now, delivery::Room room,
                                                               Instant lease_until) = 0;
  /// Claims up to `most` entries that are due at `now`, and whose time is over by then: delivery::gives_up_at(), with
  /// that policy, of the entry and of its object's removal. The relay's state keeps none of them waiting.
  virtual Awaitable<Result<std::vector<OutboxEntry>>> take_overdue(Instant now, delivery::RetryPolicy policy,
                                                                   std::size_t most, Instant lease_until) = 0;
  virtual Awaitable<Result<NextDue>> next_due() = 0;
  /// Makes due at `now` what is due only after `latest`, up to 1,000 entries; returns how many. For what was given its
  /// time by a clock that was ahead, and set right since: it would wait as long as the clock was wrong.
  virtual Awaitable<Result<std::size_t>> bring_forward(Instant now, Instant latest) = 0;

  virtual Awaitable<Status> mark_delivered(std::int64_t id) = 0;
  /// Keeps a failed attempt and releases the claim; due again at `due`. `refused`: more recipients that are not tried
  /// again, one each. `counts`: into OutboxEntry::attempts.
  virtual Awaitable<Status> reschedule(std::int64_t id, Instant failed_at, Instant due, FailureReason reason,
                                       std::vector<FailureReason> refused = {}, bool counts = true) = 0;
  /// Releases the claim without counting an attempt; due again at `due`.
  virtual Awaitable<Status> postpone(std::int64_t id, Instant due, std::vector<FailureReason> refused = {}) = 0;
  /// Moves the entry, with its failed attempts, to the dead-letter queue; this attempt is counted. `removal`: when its
  /// object goes, as far as that is known.
  virtual Awaitable<Status> give_up(std::int64_t id, Instant failed_at, FailureReason reason,
                                    std::optional<Instant> removal = {}) = 0;
  /// Ends the entry by a rule; the rule's name and text are kept with it.
  virtual Awaitable<Status> drop(std::int64_t id, Instant when, FailureReason rule) = 0;
};

}  // namespace s3link::ports
