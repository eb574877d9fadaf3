#pragma once

#include <functional>
#include <mutex>

#include "adapters/sqlite_store/bucket_store.hpp"
#include "ports/dead_letter_queue.hpp"

namespace s3link::sqlite_store {

/// ports::DeadLetterQueue over the tables `dead_letters`, `attempts`, `outbox` and `dropped`.
class SqliteDeadLetterQueue final : public ports::DeadLetterQueue {
 public:
  explicit SqliteDeadLetterQueue(StoreContext& context) : context_(context) {}

  void on_change(std::function<void()> changed) override;
  Awaitable<Result<std::uint64_t>> length() override;
  Awaitable<Result<std::vector<ports::ReasonCount>>> reasons() override;
  Awaitable<Result<ports::DeadLetterPage>> list(ports::DeadLetterFilter filter, std::optional<std::int64_t> after,
                                                std::size_t limit) override;
  Awaitable<Result<ports::DeadLetter>> get(std::int64_t id) override;
  Awaitable<Result<std::vector<std::int64_t>>> redrive(std::vector<std::int64_t> ids, Instant due) override;
  Awaitable<Result<std::vector<std::int64_t>>> drop(std::vector<std::int64_t> ids, Instant when,
                                                    ports::FailureReason rule) override;
  Awaitable<Result<std::vector<ports::DeadLetter>>> older_than(Instant last_failure, std::size_t limit) override;

  /// From the writer's thread after a commit.
  void changed();

 private:
  StoreContext& context_;
  std::mutex mutex_;
  std::function<void()> changed_;
};

}  // namespace s3link::sqlite_store
