#include "services/pipeline/store_metrics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string_view>

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using metrics::labelled;
using Samples = std::vector<metrics::Sample>;

constexpr Instant kNow = Instant(1'000s);

Samples samples_of(const ports::StoreStatistics& statistics, std::string_view name) {
  const auto families = store_families(statistics, kNow);
  const auto found = std::ranges::find(families, name, &metrics::Family::name);
  EXPECT_NE(found, families.end()) << name;
  return found == families.end() ? Samples() : found->samples;
}

double value_of(const ports::StoreStatistics& statistics, std::string_view name) {
  const auto samples = samples_of(statistics, name);
  EXPECT_EQ(samples.size(), 1U);
  return samples.at(0).value;
}

TEST(StoreMetricsTest, BucketsByName) {
  ports::StoreStatistics statistics;
  statistics.buckets = {{.bucket = *s3::BucketName::parse("one"), .objects = 2, .bytes = 300},
                        {.bucket = *s3::BucketName::parse("two"), .objects = 0, .bytes = 0}};
  EXPECT_EQ(samples_of(statistics, "s3link_stored_objects"),
            (Samples{labelled("bucket", "one", 2), labelled("bucket", "two", 0)}));
  EXPECT_EQ(samples_of(statistics, "s3link_stored_bytes"),
            (Samples{labelled("bucket", "one", 300), labelled("bucket", "two", 0)}));
}

TEST(StoreMetricsTest, TheOldestEventsAge) {
  ports::StoreStatistics statistics;
  EXPECT_EQ(value_of(statistics, "s3link_outbox_oldest_age_seconds"), 0);
  statistics.outbox = 4;
  statistics.oldest_event = kNow - 2'500ms;
  EXPECT_EQ(value_of(statistics, "s3link_outbox_oldest_age_seconds"), 2.5);
  EXPECT_EQ(value_of(statistics, "s3link_outbox_events"), 4);
  statistics.oldest_event = kNow + 1h;
  EXPECT_EQ(value_of(statistics, "s3link_outbox_oldest_age_seconds"), 0) << "a clock that was set back";
}

TEST(StoreMetricsTest, AlarmsAreZeroOrOne) {
  ports::StoreStatistics statistics;
  statistics.dead_letters = 9;
  statistics.alarms = {{.alarm = alarm::AlarmName::dead_letters, .state = delivery::AlarmState::alarm},
                       {.alarm = alarm::AlarmName::oldest_event, .state = delivery::AlarmState::ok}};
  EXPECT_EQ(samples_of(statistics, "s3link_alarm_state"),
            (Samples{labelled("alarm", "dead-letters", 1), labelled("alarm", "oldest-event", 0)}));
  EXPECT_EQ(value_of(statistics, "s3link_dead_letters"), 9);
}

TEST(StoreMetricsTest, SubscribersWithWhatBecameOfTellingThem) {
  ports::StoreStatistics statistics;
  auto& email = statistics.subscribers.emplace_back();
  email.name = "email";
  email.told = 3;
  email.failed_attempts = 2;
  email.given_up = 1;
  email.pending = 5;
  email.last_reason = "550 you@example.test";
  const auto told = samples_of(statistics, "s3link_alarm_notifications_total");
  ASSERT_EQ(told.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    constexpr std::string_view kResults[] = {"told", "failed", "given_up"};
    EXPECT_EQ(told[i].labels.at(0), (metrics::Label{"subscriber", "email"}));
    EXPECT_EQ(told[i].labels.at(1).value, kResults[i]);
    EXPECT_EQ(told[i].value, static_cast<double>(3 - i));
  }
  EXPECT_EQ(samples_of(statistics, "s3link_alarm_notifications_pending"), Samples{labelled("subscriber", "email", 5)});
}

}  // namespace
}  // namespace s3link::pipeline
