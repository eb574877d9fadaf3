#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"

namespace s3link::event {

/// One entry of "Records" in an S3 event notification, keys decoded.
/// Source: Amazon S3 User Guide, "Event message structure".
struct EventRecord {
  std::string event_name;  ///< without the "s3:" prefix: "ObjectCreated:Put"
  Instant time;
  std::string region;
  std::string principal;  ///< who did it; an id, never a secret
  std::string source_ip;
  std::string request_id;
  std::string bucket;
  std::string key;  ///< decoded exactly once
  std::uint64_t size_bytes = 0;
  std::string etag;        ///< without quotes
  std::string version_id;  ///< empty in a bucket without versioning
  std::string sequencer;   ///< hexadecimal; orders the events of one key

  bool operator==(const EventRecord&) const = default;
};

/// The notification document with this one record, as AWS sends it: eventVersion 2.1, key form-encoded.
std::string build_notification(const EventRecord& record);

/// What a notification holds: its records, or the test message S3 sends when a notification is configured.
struct Notification {
  std::vector<EventRecord> records;
  bool is_test_event = false;  ///< {"Event": "s3:TestEvent", ...}
};

/// S3 sends one record of at most 64 KiB; what collects notifications may hand over several at a time.
inline constexpr std::size_t kMaxNotificationBytes = std::size_t{256} * 1024;

/// Reads a notification of any eventVersion 2.x, with or without "s3:" before the event name.
/// Errors: invalid_argument, naming the member that is missing or wrong. Nesting and sizes are bounded.
Result<Notification> parse_notification(std::string_view json, std::size_t max_bytes = kMaxNotificationBytes);

/// The same where a wrong record is not to take the others with it: each is a record, or what is wrong with it.
struct NotificationParts {
  std::vector<Result<EventRecord>> records;
  bool is_test_event = false;
};

/// S3 sends one record at a time; this bounds what a list of wrong ones can cost.
inline constexpr std::size_t kMaxRecords = 10'000;

/// Errors: invalid_argument: no notification at all, or one of more than kMaxRecords.
Result<NotificationParts> parse_notification_parts(std::string_view json,
                                                   std::size_t max_bytes = kMaxNotificationBytes);

/// Whether this is what an EventBridge rule with a schedule sends: "source" is "aws.events", "detail-type" is
/// "Scheduled Event". Source: Amazon EventBridge User Guide, "Creating a rule that runs on a schedule".
bool is_schedule_event(std::string_view json);

/// The commit number of the transaction that made the object visible, as 16 upper-case hexadecimal digits: fixed width,
/// so that comparing strings compares commits.
std::string sequencer_of(std::uint64_t commit_number);

/// A sequencer in the form in which two of one key can be compared as strings: upper case, filled up to 32 digits with
/// zeros on the right, as AWS says to compare sequencers of different lengths. Empty for what is not 1 to 32
/// hexadecimal digits: the order is not known then.
/// Source: AWS re:Post Knowledge Center, "Why do I see duplicate messages in Amazon SQS for the same Amazon S3 event?".
std::string comparable_sequencer(std::string_view sequencer);

}  // namespace s3link::event
