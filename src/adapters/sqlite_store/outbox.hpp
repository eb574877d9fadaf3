#pragma once

#include <functional>
#include <mutex>

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/outbox.hpp"

namespace s3link::sqlite_store {

/// ports::Outbox over the tables `outbox`, `refusals`, `attempts`, `dead_letters` and `dropped`. An id that is not in
/// the outbox is not_found.
class SqliteOutbox final : public ports::Outbox {
 public:
  explicit SqliteOutbox(StoreContext& context) : context_(context) {}

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

  /// From the writer's thread after a commit.
  void wake();
  /// Before the store is used: the process that held the claims is gone.
  static Status release_claims(Connection& writer);

 private:
  StoreContext& context_;
  std::mutex mutex_;
  std::function<void()> wake_;
};

}  // namespace s3link::sqlite_store
