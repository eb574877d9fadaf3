#pragma once

#include <deque>

#include "support/fake_outbox.hpp"

namespace s3link::test_support {

/// The dead rows of a FakeOutbox, with failures to order. The port's calls are thread-safe.
class FakeDeadLetterQueue final : public ports::DeadLetterQueue {
 public:
  /// `outbox` must outlive it.
  explicit FakeDeadLetterQueue(FakeOutbox& outbox) : outbox_(outbox) {}

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

  std::deque<Error> failures;  ///< handed out first, in order, by whatever is called

 private:
  /// The next failure ordered, if any.
  std::optional<Error> take_failure();
  FakeOutbox::Row* find_dead(std::int64_t id);
  std::vector<const FakeOutbox::Row*> dead_rows() const;

  FakeOutbox& outbox_;
};

}  // namespace s3link::test_support
