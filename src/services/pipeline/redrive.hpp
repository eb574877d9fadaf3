#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "ports/awaitable.hpp"
#include "ports/bucket_store.hpp"
#include "ports/clock.hpp"
#include "ports/dead_letter_queue.hpp"
#include "ports/logger.hpp"

namespace s3link::pipeline {

/// A dead letter that stays where it is.
struct Refusal {
  std::int64_t id = 0;
  std::string reason;   ///< "not_found", "object_gone", "replaced", "unlinkable_key", "unreadable_event"
  std::string message;  ///< for a person
  bool operator==(const Refusal&) const = default;
};

/// The request that wants it, for the log.
struct RedriveOrigin {
  std::string request_id;
  std::string trace_id;  ///< "1-5759e988-bd862e3fe1be46a994272793"
};

/// What became of the dead letters an operator named.
struct Redriven {
  std::vector<std::int64_t> done;
  std::vector<Refusal> refused;
};

/// What an operator does with dead letters: have them tried again, or give them up for good.
/// Thread safety: any number of calls at a time. Its ports must outlive the awaitables.
class Redrive {
 public:
  Redrive(ports::DeadLetterQueue& queue, ports::BucketStore& buckets, ports::Clock& clock, ports::Logger& logger)
      : queue_(queue), buckets_(buckets), clock_(clock), logger_(logger) {}

  /// Puts those back into the outbox, due at once, whose delivery can succeed: the object is still that version, and
  /// there for a second at least, which is the shortest a link lives. The others are refused. Whoever has been mailed
  /// already gets no second mail: the ledger knows.
  /// Errors: those of the store; then what the answer does not say may have been done.
  Awaitable<Result<Redriven>> redrive(std::vector<std::int64_t> ids, RedriveOrigin origin);
  /// Drops them by the rule "dropped_by_operator".
  Awaitable<Result<Redriven>> drop(std::vector<std::int64_t> ids, RedriveOrigin origin);

  /// How many were put back, and dropped, since the start.
  std::uint64_t redriven() const noexcept { return redriven_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  /// Why that one cannot be delivered; empty: it can.
  Awaitable<Result<std::optional<Refusal>>> find_objection(std::int64_t id);
  void log(std::string_view what, const Redriven& outcome, RedriveOrigin origin);

  ports::DeadLetterQueue& queue_;
  ports::BucketStore& buckets_;
  ports::Clock& clock_;
  ports::Logger& logger_;
  std::atomic<std::uint64_t> redriven_ = 0;
  std::atomic<std::uint64_t> dropped_ = 0;
};

}  // namespace s3link::pipeline
