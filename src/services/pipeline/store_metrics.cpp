#include "services/pipeline/store_metrics.hpp"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace s3link::pipeline {
namespace {

using metrics::Family;
using metrics::Kind;
using metrics::labelled;

metrics::Families usage_families(const std::vector<ports::BucketUsage>& buckets) {
  Family objects{.name = "s3link_stored_objects",
                 .help = "Objects in a bucket, with those whose time is over until they are removed.",
                 .kind = Kind::gauge,
                 .samples = {}};
  Family bytes{
      .name = "s3link_stored_bytes", .help = "Bytes of the objects in a bucket.", .kind = Kind::gauge, .samples = {}};
  for (const auto& usage : buckets) {
    objects.samples.push_back(labelled("bucket", usage.bucket.text(), static_cast<double>(usage.objects)));
    bytes.samples.push_back(labelled("bucket", usage.bucket.text(), static_cast<double>(usage.bytes)));
  }
  return {std::move(objects), std::move(bytes)};
}

Family alarm_family(const std::vector<ports::AlarmStanding>& alarms) {
  Family out{
      .name = "s3link_alarm_state", .help = "1 while the alarm is raised, else 0.", .kind = Kind::gauge, .samples = {}};
  for (const auto& [alarm, state] : alarms) {
    out.samples.push_back(
        labelled("alarm", std::string(to_string(alarm)), state == delivery::AlarmState::alarm ? 1 : 0));
  }
  return out;
}

metrics::Families subscriber_families(const std::vector<ports::SubscriberRecord>& subscribers) {
  Family told{.name = "s3link_alarm_notifications_total",
              .help =
                  "What came of telling a subscriber of the alarms: told, failed (an attempt), given_up. Kept over "
                  "restarts.",
              .kind = Kind::counter,
              .samples = {}};
  Family pending{.name = "s3link_alarm_notifications_pending",
                 .help = "Notifications that a subscriber has yet to be told.",
                 .kind = Kind::gauge,
                 .samples = {}};
  for (const auto& subscriber : subscribers) {
    const auto add = [&](const char* result, std::uint64_t count) {
      told.samples.push_back({.labels = {{"subscriber", subscriber.name}, {"result", result}},
                              .value = static_cast<double>(count),
                              .histogram = {}});
    };
    add("told", subscriber.told);
    add("failed", subscriber.failed_attempts);
    add("given_up", subscriber.given_up);
    pending.samples.push_back(labelled("subscriber", subscriber.name, static_cast<double>(subscriber.pending)));
  }
  return {std::move(told), std::move(pending)};
}

/// 0 where there is none, and for a clock that was set back.
double age_seconds(const std::optional<Instant>& since, Instant now) {
  if (!since) return 0;
  return std::max(std::chrono::duration<double>(now - *since).count(), 0.0);
}

}  // namespace

metrics::Families store_families(const ports::StoreStatistics& statistics, Instant now) {
  metrics::Families out = usage_families(statistics.buckets);
  out.push_back(metrics::gauge("s3link_outbox_events", "Events that wait for their mail or are being mailed.",
                               static_cast<double>(statistics.outbox)));
  out.push_back(metrics::gauge("s3link_outbox_oldest_age_seconds",
                               "Age of the oldest event in the outbox; 0: it is empty.",
                               age_seconds(statistics.oldest_event, now)));
  out.push_back(metrics::gauge("s3link_dead_letters", "Events that were given up and wait for an operator.",
                               static_cast<double>(statistics.dead_letters)));
  out.push_back(alarm_family(statistics.alarms));
  std::ranges::move(subscriber_families(statistics.subscribers), std::back_inserter(out));
  return out;
}

}  // namespace s3link::pipeline
