#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/alarm/notification.hpp"
#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/delivery/alarm_rule.hpp"
#include "core/s3/names.hpp"
#include "ports/alarm_store.hpp"
#include "ports/awaitable.hpp"

namespace s3link::ports {

/// What one bucket holds. Objects whose time is over count until they are removed, multipart uploads when they are
/// completed.
struct BucketUsage {
  s3::BucketName bucket;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;  ///< of the objects as clients see them
  bool operator==(const BucketUsage&) const = default;
};

/// State of one alarm.
struct AlarmStanding {
  alarm::AlarmName alarm;
  delivery::AlarmState state = delivery::AlarmState::ok;
  bool operator==(const AlarmStanding&) const = default;
};

/// What the store holds at one moment.
struct StoreStatistics {
  std::vector<BucketUsage> buckets;     ///< those asked for that exist, in that order
  std::uint64_t outbox = 0;             ///< events that wait or are being delivered
  std::optional<Instant> oldest_event;  ///< when the oldest of them was made; empty: there is none
  std::uint64_t dead_letters = 0;
  std::vector<AlarmStanding> alarms;  ///< all
  std::vector<SubscriberRecord> subscribers;
};

/// For those who watch the store. Thread safety: any number of calls at a time.
class StatisticsReader {
 public:
  virtual ~StatisticsReader() = default;

  /// All of it as of one commit. Costs the same however much the store holds, and never the calling thread: that one is
  /// free meanwhile. Errors: corrupt, internal, transient.
  virtual Awaitable<Result<StoreStatistics>> read_statistics(std::vector<s3::BucketName> buckets) = 0;
};

}  // namespace s3link::ports
