#pragma once

#include <boost/asio/this_coro.hpp>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "ports/alarm_subscriber.hpp"

namespace s3link::test_support {

/// Keeps what it was told, with failures to order. One executor at a time.
class FakeAlarmSubscriber final : public ports::AlarmSubscriber {
 public:
  explicit FakeAlarmSubscriber(std::string name) : name_(std::move(name)) {}

  std::string_view name() const noexcept override { return name_; }
  Awaitable<Status> tell(alarm::Notification notification) override {
    tried.push_back(notification.id);
    if (before) co_await before();
    if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none) {
      co_return fail(ErrorKind::transient, "cancelled");
    }
    if (!failures.empty()) {
      Error error = std::move(failures.front());
      failures.pop_front();
      co_return std::unexpected(std::move(error));
    }
    told.push_back(std::move(notification));
    co_return Status{};
  }

  std::deque<Error> failures;               ///< handed out first, in order
  std::function<Awaitable<void>()> before;  ///< may wait, or throw
  std::vector<alarm::Notification> told;
  std::vector<std::int64_t> tried;  ///< ids, told or not

 private:
  std::string name_;
};

}  // namespace s3link::test_support
