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
#include "ports/outbox.hpp"

namespace s3link::ports {

/// One attempt that failed.
struct FailedAttempt {
  Instant at;
  FailureReason reason;
  bool operator==(const FailedAttempt&) const = default;
};

/// An event whose delivery was given up.
struct DeadLetter {
  std::int64_t id = 0;     ///< the event's
  std::string event_json;  ///< the notification document
  std::string bucket;
  std::string key;
  Instant created;        ///< when the event was committed
  unsigned attempts = 0;  ///< failed ones since the event, or the last redrive
  Instant first_failure;  ///< of all, before a redrive, too
  Instant last_failure;
  FailureReason reason;                 ///< of the last attempt
  std::string trace;                    ///< EventOrigin's; empty: none
  std::optional<Instant> removal = {};  ///< of its object, as it was when the event was given up
  std::vector<FailedAttempt> history;   ///< oldest first, the last kMostAttemptsKept; filled by get() only
};

struct DeadLetterFilter {
  std::string reason;  ///< a FailureReason's kind; empty: all
  bool operator==(const DeadLetterFilter&) const = default;
};

struct DeadLetterPage {
  std::vector<DeadLetter> letters;   ///< newest event first
  std::optional<std::int64_t> next;  ///< what `after` of the next page is; empty: this is the last
};

/// How many dead letters have that kind of reason.
struct ReasonCount {
  std::string kind;
  std::uint64_t count = 0;
  bool operator==(const ReasonCount&) const = default;
};

/// The events that were given up, until somebody puts them back, drops them, or their time is over. Entries come here
/// by Outbox::give_up alone.
/// Durability: on return a change is committed and synced. Thread safety: any number of calls at a time.
class DeadLetterQueue {
 public:
  virtual ~DeadLetterQueue() = default;

  /// Called after each commit that added or removed entries, from an unspecified thread; must return at once.
  /// Set once, before the first change; an empty function removes it.
  virtual void on_change(std::function<void()> changed) = 0;

  /// Costs the same however long the queue is.
  virtual Awaitable<Result<std::uint64_t>> length() = 0;
  /// The kinds of reasons there are, most frequent first, then by name.
  virtual Awaitable<Result<std::vector<ReasonCount>>> reasons() = 0;
  /// Up to `limit` (1 to 1000) entries with an id below `after` (empty: from the newest).
  virtual Awaitable<Result<DeadLetterPage>> list(DeadLetterFilter filter, std::optional<std::int64_t> after,
                                                 std::size_t limit) = 0;
  /// Errors: not_found.
  virtual Awaitable<Result<DeadLetter>> get(std::int64_t id) = 0;

  /// Puts entries back into the outbox in one transaction: due at `due`, from when on their time is counted; no attempt
  /// counted, every recipient that was not mailed to be tried, what failed so far kept.
  /// Returns the ids that were there.
  virtual Awaitable<Result<std::vector<std::int64_t>>> redrive(std::vector<std::int64_t> ids, Instant due) = 0;
  /// Ends entries by a rule in one transaction. Each record says the rule's text and the reason the event was given up
  /// for. Returns the ids that were there.
  virtual Awaitable<Result<std::vector<std::int64_t>>> drop(std::vector<std::int64_t> ids, Instant when,
                                                            FailureReason rule) = 0;

  /// Up to `limit` entries that last failed before that moment, the longest dead first; without history.
  virtual Awaitable<Result<std::vector<DeadLetter>>> older_than(Instant last_failure, std::size_t limit) = 0;
};

}  // namespace s3link::ports
