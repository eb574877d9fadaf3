#include "services/pipeline/alarm_topic.hpp"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>

namespace s3link::pipeline {

AlarmTopic::AlarmTopic(AlarmFeedSettings settings, const std::vector<ports::AlarmSubscriber*>& subscribers,
                       ports::AlarmStore& store, ports::Clock& clock, ports::Random& random, ports::Logger& logger) {
  for (ports::AlarmSubscriber* const subscriber : subscribers) {
    feeds_.emplace_back(settings, *subscriber, store, clock, random, logger);
  }
}

std::vector<std::string> AlarmTopic::names() const {
  std::vector<std::string> out;
  for (const AlarmFeed& feed : feeds_) out.emplace_back(feed.name());
  return out;
}

Awaitable<void> AlarmTopic::run() {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer ended(executor, asio::steady_timer::time_point::max());
  std::size_t running = feeds_.size();
  std::exception_ptr failure;
  for (AlarmFeed& feed : feeds_) {
    asio::co_spawn(executor, feed.run(), [&](std::exception_ptr error) {
      if (error) failure = error;
      --running;
      ended.cancel();
    });
  }
  while (running > 0) co_await ended.async_wait(asio::as_tuple(asio::use_awaitable));
  if (failure) std::rethrow_exception(failure);
}

void AlarmTopic::stop() {
  for (AlarmFeed& feed : feeds_) feed.stop();
}

void AlarmTopic::wake() {
  for (AlarmFeed& feed : feeds_) feed.wake();
}

void AlarmTopic::tell_unstored(const alarm::Notification& notification, const std::vector<std::string>& subscribers) {
  for (AlarmFeed& feed : feeds_) {
    if (std::ranges::find(subscribers, feed.name()) != subscribers.end()) feed.tell_unstored(notification);
  }
}

}  // namespace s3link::pipeline
