#pragma once

#include <deque>
#include <vector>

#include "ports/clock_store.hpp"

namespace s3link::test_support {

/// A record in memory, with failures to order. For one thread.
class FakeClockStore final : public ports::ClockStore {
 public:
  std::optional<delivery::ClockRecord> record;
  std::size_t saves = 0;
  std::deque<Error> failures;  ///< handed out first, in order, by whatever is called

  Awaitable<Result<std::optional<delivery::ClockRecord>>> load() override {
    if (auto failure = ordered()) co_return std::unexpected(std::move(*failure));
    co_return record;
  }
  Awaitable<Status> save(delivery::ClockRecord saved) override {
    if (auto failure = ordered()) co_return std::unexpected(std::move(*failure));
    record = std::move(saved);
    ++saves;
    co_return Status{};
  }

 private:
  std::optional<Error> ordered() {
    if (failures.empty()) return std::nullopt;
    Error error = std::move(failures.front());
    failures.pop_front();
    return error;
  }
};

}  // namespace s3link::test_support
