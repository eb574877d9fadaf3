#pragma once

#include <list>
#include <string>
#include <vector>

#include "services/pipeline/alarm_feed.hpp"

namespace s3link::pipeline {

/// CommonAlarmTopic of the published design: every configured subscriber is told each notification, each by a feed of
/// its own. Thread safety: as AlarmFeed.
class AlarmTopic {
 public:
  /// The subscribers must outlive run().
  AlarmTopic(AlarmFeedSettings settings, const std::vector<ports::AlarmSubscriber*>& subscribers,
             ports::AlarmStore& store, ports::Clock& clock, ports::Random& random, ports::Logger& logger);

  std::vector<std::string> names() const;
  /// Runs all feeds until stop(); call once, and do not cancel it.
  Awaitable<void> run();
  void stop();
  /// New notifications are in the store.
  void wake();
  /// Tells these subscribers what the store could not take; see AlarmFeed::tell_unstored().
  void tell_unstored(const alarm::Notification& notification, const std::vector<std::string>& subscribers);

 private:
  std::list<AlarmFeed> feeds_;  ///< a list: they cannot be moved
};

}  // namespace s3link::pipeline
