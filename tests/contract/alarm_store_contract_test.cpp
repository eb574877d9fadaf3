#include <atomic>

#include "contract/subjects.hpp"

namespace s3link::contract {
namespace {

using alarm::AlarmName;
using alarm::FrequentReason;
using alarm::Notification;
using delivery::AlarmMemory;
using delivery::AlarmState;
using std::chrono::seconds;

class AlarmStoreContract : public testing::TestWithParam<Subjects> {
 protected:
  void SetUp() override { subject_ = GetParam().alarm_store(); }
  ports::AlarmStore& alarms() { return subject_->alarms(); }
  ports::AlarmMeasure measure() {
    const auto measured = run_sync(alarms().measure(t_));
    EXPECT_TRUE(measured);
    return measured.value_or(ports::AlarmMeasure{});
  }
  Notification notification(Instant made) const {
    return {.id = 0,
            .alarm = AlarmName::dead_letters,
            .message = delivery::AlarmMessage::reminder,
            .made = made,
            .since = t_ - seconds(10),
            .alarm_since = t_ - seconds(20),
            .value = 7,
            .threshold = 5,
            .changes = 3,
            .reasons = {{"denied: \"quoted\" ß", 6}, {"transient: later", 1}}};
  }
  void notify(Instant made, const std::vector<std::string>& subscribers) {
    ASSERT_TRUE(run_sync(alarms().save_and_notify(AlarmName::dead_letters, {}, notification(made), subscribers)));
  }
  std::optional<ports::PendingNotification> next_for(const std::string& subscriber) {
    const auto next = run_sync(alarms().next_for(subscriber));
    EXPECT_TRUE(next);
    return next ? *next : std::nullopt;
  }
  std::int64_t next_id(const std::string& subscriber) {
    const auto next = next_for(subscriber);
    return next ? next->notification.id : 0;
  }
  std::vector<ports::SubscriberRecord> subscribers() {
    const auto records = run_sync(alarms().subscribers());
    EXPECT_TRUE(records);
    return records.value_or(std::vector<ports::SubscriberRecord>());
  }

  const Instant t_ = at_second(1'800'000'000);
  std::unique_ptr<AlarmStoreSubject> subject_;
};

TEST_P(AlarmStoreContract, MeasuresDeadLettersAndTheOldestEvent) {
  EXPECT_EQ(measure().dead_letters, 0U);
  EXPECT_EQ(measure().oldest_event, std::nullopt);
  subject_->add_waiting(t_, "");
  subject_->add_waiting(t_ + seconds(5), "later");
  subject_->add_dead_letter("denied", "550 no");
  subject_->add_dead_letter("denied", "550 no");
  EXPECT_EQ(measure().dead_letters, 2U);
  EXPECT_EQ(measure().oldest_event, t_);
  subject_->reopen();
  EXPECT_EQ(measure().dead_letters, 2U);
}

TEST_P(AlarmStoreContract, ReasonsAreCountedForEachAlarm) {
  using Reasons = std::vector<FrequentReason>;
  for (const auto name : alarm::kAlarms) EXPECT_EQ(*run_sync(alarms().frequent_reasons(name, 3)), Reasons{});
  for (int i = 0; i < 3; ++i) subject_->add_dead_letter("denied", "550 no, says " + std::to_string(100'000 + i));
  subject_->add_dead_letter("unlinkable_key", "dots");
  subject_->add_dead_letter("unlinkable_key", "dots");
  subject_->add_dead_letter("internal", "a");
  subject_->add_dead_letter("internal", "b");
  subject_->add_waiting(t_, "");
  subject_->add_waiting(t_, "connection refused");
  EXPECT_EQ(*run_sync(alarms().frequent_reasons(AlarmName::dead_letters, 3)),
            (Reasons{{"denied: 550 no, says …", 3}, {"unlinkable_key: dots", 2}, {"internal: a", 1}}));
  EXPECT_EQ(*run_sync(alarms().frequent_reasons(AlarmName::oldest_event, 3)),
            (Reasons{{"transient: connection refused", 1}}));
}

TEST_P(AlarmStoreContract, WakesWhenADeliveryIsGivenUp) {
  std::atomic<int> woken = 0;
  alarms().on_dead_letters_changed([&woken] { ++woken; });
  subject_->add_waiting(t_, "");
  EXPECT_EQ(woken, 0);
  subject_->add_dead_letter("denied", "550 no");
  EXPECT_EQ(woken, 1);
  alarms().on_dead_letters_changed({});
  subject_->add_dead_letter("denied", "550 no");
  EXPECT_EQ(woken, 1);
}

TEST_P(AlarmStoreContract, MemoryOfEachAlarmOutlivesARestart) {
  EXPECT_EQ(*run_sync(alarms().load(AlarmName::dead_letters)), AlarmMemory{});
  const AlarmMemory memory{.state = AlarmState::alarm,
                           .since = t_,
                           .told = AlarmState::ok,
                           .told_since = t_ - seconds(4),
                           .alarm_told = t_ - seconds(3),
                           .ok_told = t_ - seconds(2),
                           .changes = 9};
  ASSERT_TRUE(run_sync(alarms().save(AlarmName::dead_letters, memory)));
  subject_->reopen();
  EXPECT_EQ(*run_sync(alarms().load(AlarmName::dead_letters)), memory);
  EXPECT_EQ(*run_sync(alarms().load(AlarmName::oldest_event)), AlarmMemory{});
  AlarmMemory later;
  later.since = t_ + seconds(1);
  ASSERT_TRUE(run_sync(alarms().save(AlarmName::dead_letters, later)));
  EXPECT_EQ(*run_sync(alarms().load(AlarmName::dead_letters)), later);
}

TEST_P(AlarmStoreContract, NotificationWaitsForEachSubscriberAlsoAfterARestart) {
  AlarmMemory memory;
  memory.since = t_;
  ASSERT_TRUE(
      run_sync(alarms().save_and_notify(AlarmName::oldest_event, memory, notification(t_), {"email", "webhook"})));
  EXPECT_EQ(*run_sync(alarms().load(AlarmName::oldest_event)), memory);
  subject_->reopen();
  const auto mail = next_for("email");
  ASSERT_TRUE(mail);
  Notification want = notification(t_);
  want.id = mail->notification.id;
  EXPECT_GT(want.id, 0);
  EXPECT_EQ(mail->notification, want);
  EXPECT_EQ(mail->attempts, 0U);
  EXPECT_EQ(mail->due, t_);
  EXPECT_EQ(next_id("webhook"), want.id);
  EXPECT_FALSE(next_for("nobody"));

  ASSERT_TRUE(run_sync(alarms().mark_told("email", want.id, t_ + seconds(1))));
  EXPECT_FALSE(next_for("email"));
  EXPECT_EQ(next_for("webhook")->notification, want) << "one subscriber does not end it for another";
  ASSERT_TRUE(run_sync(alarms().mark_told("webhook", want.id, t_ + seconds(1))));
  EXPECT_FALSE(next_for("webhook"));
}

TEST_P(AlarmStoreContract, NotificationsAreToldInTheirOrder) {
  notify(t_ + seconds(5), {"email"});
  const auto first = next_id("email");
  notify(t_, {"email", "webhook"});
  EXPECT_EQ(next_id("email"), first);
  ASSERT_TRUE(run_sync(alarms().reschedule("email", first, t_ + seconds(6), t_ + seconds(60), "451 later")));
  const auto again = next_for("email");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->notification.id, first) << "one that waits for its next attempt is still first";
  EXPECT_EQ(again->attempts, 1U);
  EXPECT_EQ(again->due, t_ + seconds(60));
  ASSERT_TRUE(run_sync(alarms().give_up("email", first, t_ + seconds(7), "too late")));
  EXPECT_GT(next_id("email"), first);
  EXPECT_EQ(next_id("email"), next_id("webhook"));
}

TEST_P(AlarmStoreContract, CountsWhatBecameOfThem) {
  EXPECT_TRUE(subscribers().empty());
  notify(t_, {"webhook", "email"});
  notify(t_, {"email"});
  const auto first = next_id("email");
  ASSERT_TRUE(run_sync(alarms().reschedule("email", first, t_ + seconds(1), t_ + seconds(2), "451 later")));
  ASSERT_TRUE(run_sync(alarms().mark_told("email", first, t_ + seconds(3))));
  ASSERT_TRUE(run_sync(alarms().give_up("webhook", first, t_ + seconds(4), "answered 404")));
  subject_->reopen();
  EXPECT_EQ(subscribers(), (std::vector<ports::SubscriberRecord>{{.name = "email",
                                                                  .told = 1,
                                                                  .failed_attempts = 1,
                                                                  .given_up = 0,
                                                                  .pending = 1,
                                                                  .last_told = t_ + seconds(3),
                                                                  .last_failure = t_ + seconds(1),
                                                                  .last_reason = "451 later"},
                                                                 {.name = "webhook",
                                                                  .told = 0,
                                                                  .failed_attempts = 1,
                                                                  .given_up = 1,
                                                                  .pending = 0,
                                                                  .last_told = {},
                                                                  .last_failure = t_ + seconds(4),
                                                                  .last_reason = "answered 404"}}));
}

TEST_P(AlarmStoreContract, WhatDoesNotWaitIsNotFound) {
  notify(t_, {"email"});
  const auto id = next_id("email");
  EXPECT_EQ(run_sync(alarms().mark_told("webhook", id, t_)).error().kind, ErrorKind::not_found);
  ASSERT_TRUE(run_sync(alarms().mark_told("email", id, t_)));
  EXPECT_EQ(run_sync(alarms().mark_told("email", id, t_)).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_sync(alarms().reschedule("email", id, t_, t_, "r")).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_sync(alarms().give_up("email", id, t_, "r")).error().kind, ErrorKind::not_found);
}

TEST_P(AlarmStoreContract, SubscribersThatAreGoneAreForgotten) {
  notify(t_, {"email", "webhook"});
  const auto id = next_id("email");
  const auto unheard = run_sync(alarms().keep_subscribers({"webhook", "other"}));
  ASSERT_TRUE(unheard);
  EXPECT_EQ(*unheard, std::vector<std::string>{"other"});
  EXPECT_FALSE(next_for("email"));
  EXPECT_EQ(next_id("webhook"), id);
  ASSERT_EQ(subscribers().size(), 1U);
  EXPECT_EQ(subscribers()[0].name, "webhook");
}

TEST_P(AlarmStoreContract, WhatWaitsIsBounded) {
  constexpr std::size_t kMost = ports::AlarmStore::kMostPending;
  notify(t_, {"email"});
  const auto first = next_id("email");
  for (std::size_t i = 1; i < kMost; ++i) notify(t_, {"email"});
  EXPECT_EQ(next_id("email"), first);
  notify(t_ + seconds(1), {"email"});
  EXPECT_GT(next_id("email"), first);
  const auto record = subscribers().at(0);
  EXPECT_EQ(record.pending, kMost);
  EXPECT_EQ(record.given_up, 1U);
  EXPECT_EQ(record.last_failure, t_ + seconds(1));
  EXPECT_NE(record.last_reason, "");
}

TEST_P(AlarmStoreContract, NobodySubscribedLeavesNothingBehind) {
  notify(t_, {});
  EXPECT_TRUE(subscribers().empty());
}

S3LINK_INSTANTIATE_CONTRACT(AlarmStoreContract);

}  // namespace
}  // namespace s3link::contract
