#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ports/dead_letter_queue.hpp"
#include "ports/outbox.hpp"

namespace s3link::test_support {

/// An outbox in memory, with failures to order. The port's calls are thread-safe; read `rows` while nothing runs.
class FakeOutbox final : public ports::Outbox {
 public:
  struct Row {
    ports::OutboxEntry entry;
    std::string state = "pending";  ///< "pending", "delivered", "dead", "dropped"
    Instant due;
    std::optional<Instant> lease_until;
    std::optional<ports::FailureReason> reason;
    std::optional<Instant> last_failure;
    std::optional<Instant> removal;  ///< of the object, once dead; or as a test sets it
    std::vector<ports::FailedAttempt> history;
  };

  /// What a commit does: adds the event, due at once, and wakes. Returns its id.
  std::int64_t add(std::string event_json, Instant now, std::string trace = {});
  /// What a restart does: the claims of the process that died are released.
  void release_claims();
  const Row& row(std::int64_t id) const { return rows.at(static_cast<std::size_t>(id) - 1); }

  void on_new_entry(std::function<void()> wake) override;
  Awaitable<Result<std::vector<ports::OutboxEntry>>> take_due(Instant now, delivery::Room room,
                                                              Instant lease_until) override;
  Awaitable<Result<std::vector<ports::OutboxEntry>>> take_overdue(Instant now, delivery::RetryPolicy policy,
                                                                  std::size_t most, Instant lease_until) override;
  Awaitable<Result<ports::NextDue>> next_due() override;
  Awaitable<Result<std::size_t>> bring_forward(Instant now, Instant latest) override;
  Awaitable<Status> mark_delivered(std::int64_t id) override;
  Awaitable<Status> reschedule(std::int64_t id, Instant failed_at, Instant due, ports::FailureReason reason,
                               std::vector<ports::FailureReason> refused = {}, bool counts = true) override;
  Awaitable<Status> postpone(std::int64_t id, Instant due, std::vector<ports::FailureReason> refused = {}) override;
  Awaitable<Status> give_up(std::int64_t id, Instant failed_at, ports::FailureReason reason,
                            std::optional<Instant> removal = {}) override;
  Awaitable<Status> drop(std::int64_t id, Instant when, ports::FailureReason rule) override;

  std::deque<Row> rows;             ///< by id, from 1
  std::deque<Error> take_failures;  ///< handed out first, in order
  std::deque<Error> settle_failures;

 private:
  friend class FakeDeadLetterQueue;
  /// The pending row, or not_found; or the next failure ordered.
  Result<Row*> pending(std::int64_t id);

  std::mutex mutex_;
  std::function<void()> wake_;
  std::function<void()> dead_letters_changed_;
};

}  // namespace s3link::test_support
