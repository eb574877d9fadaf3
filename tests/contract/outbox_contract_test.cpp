#include <algorithm>
#include <atomic>

#include "contract/subjects.hpp"
#include "core/event/event_record.hpp"

namespace s3link::contract {
namespace {

using std::chrono::seconds;

class OutboxContract : public testing::TestWithParam<Subjects> {
 protected:
  void SetUp() override { subject_ = GetParam().outbox(); }
  ports::Outbox& outbox() { return subject_->outbox(); }
  std::vector<ports::OutboxEntry> take(Instant now, std::size_t max = 100, seconds lease = seconds(60)) {
    return take(now, delivery::Room{.total = max, .retried = max}, lease);
  }
  std::vector<ports::OutboxEntry> take(Instant now, delivery::Room room, seconds lease = seconds(60)) {
    auto taken = run_sync(outbox().take_due(now, room, now + lease));
    EXPECT_TRUE(taken);
    return taken ? *taken : std::vector<ports::OutboxEntry>();
  }
  static std::vector<std::int64_t> ids(const std::vector<ports::OutboxEntry>& entries) {
    std::vector<std::int64_t> out;
    for (const auto& entry : entries) out.push_back(entry.id);
    return out;
  }
  using Ids = std::vector<std::int64_t>;
  ports::NextDue next_due() {
    const auto next = run_sync(outbox().next_due());
    EXPECT_TRUE(next);
    return next ? *next : ports::NextDue();
  }
  /// An event that failed once and is due again at that moment.
  std::int64_t add_failed(const std::string& key, Instant due) {
    const auto id = subject_->add(key, t_);
    EXPECT_TRUE(run_sync(outbox().reschedule(id, t_, due, {"transient", "451 later"})));
    return id;
  }

  const Instant t_ = at_second(1'800'000'000);
  std::unique_ptr<OutboxSubject> subject_;
};

TEST_P(OutboxContract, EventIsDueAtOnceAndClaimedOnce) {
  EXPECT_EQ(next_due(), ports::NextDue());
  const auto id = subject_->add("some key", t_);
  EXPECT_EQ(next_due(), (ports::NextDue{.fresh = t_, .retried = {}}));
  EXPECT_TRUE(take(t_ - seconds(1)).empty());
  const auto taken = take(t_);
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].created, t_);
  EXPECT_EQ(taken[0].attempts, 0U);
  EXPECT_FALSE(taken[0].first_failure);
  EXPECT_EQ(taken[0].due, t_);
  EXPECT_EQ(taken[0].trace, kEventTrace);
  const auto parsed = event::parse_notification(taken[0].event_json);
  ASSERT_TRUE(parsed) << parsed.error().message;
  ASSERT_EQ(parsed->records.size(), 1U);
  EXPECT_EQ(parsed->records[0].key, "some key");
  EXPECT_TRUE(take(t_).empty());
  EXPECT_EQ(subject_->state(id), "pending");
}

TEST_P(OutboxContract, OldestDueFirstAndNoMoreThanAsked) {
  const auto late = subject_->add("late", t_ + seconds(20));
  const auto early = subject_->add("early", t_);
  const auto middle = subject_->add("middle", t_ + seconds(10));
  EXPECT_EQ(ids(take(t_ + seconds(30), 2)), (Ids{early, middle}));
  EXPECT_EQ(ids(take(t_ + seconds(30), 2)), (Ids{late}));
}

TEST_P(OutboxContract, EachSortHasItsRoom) {
  Ids failed;
  for (int i = 0; i < 4; ++i) failed.push_back(add_failed("failed", t_ + seconds(i)));
  const auto fresh = subject_->add("fresh", t_ + seconds(10));
  const auto fresh_too = subject_->add("fresh too", t_ + seconds(11));
  const Instant now = t_ + seconds(20);
  EXPECT_EQ(next_due(), (ports::NextDue{.fresh = t_ + seconds(10), .retried = t_}));
  EXPECT_TRUE(take(now, {.total = 0, .retried = 0}).empty());
  EXPECT_EQ(ids(take(now, {.total = 3, .retried = 2})), (Ids{failed[0], failed[1], fresh}));
  EXPECT_EQ(ids(take(now, {.total = 1, .retried = 1, .retried_first = false})), Ids{fresh_too});
  EXPECT_TRUE(take(now, {.total = 9, .retried = 0}).empty());
  EXPECT_EQ(ids(take(now, {.total = 9, .retried = 1, .retried_first = false})), Ids{failed[2]});
}

TEST_P(OutboxContract, ClaimEndsWithItsLease) {
  const auto id = subject_->add("k", t_);
  take(t_, 10, seconds(60));
  EXPECT_EQ(next_due().fresh, t_ + seconds(60));
  EXPECT_TRUE(take(t_ + seconds(59)).empty());
  const auto taken = take(t_ + seconds(60));
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].due, t_) << "a claim is no wait of its own";
}

TEST_P(OutboxContract, ClaimsEndWhenTheStoreIsOpenedAgain) {
  const auto id = subject_->add("k", t_);
  take(t_, 10, seconds(3600));
  subject_->reopen();
  EXPECT_EQ(next_due().fresh, t_);
  EXPECT_EQ(ids(take(t_)), Ids{id});
}

TEST_P(OutboxContract, WhatAClockThatWasAheadMadeWaitIsBroughtForward) {
  const auto days = seconds(400 * 86'400);
  const auto fresh = subject_->add("fresh", t_ + days);
  const auto failed = add_failed("failed", t_ + days + seconds(60));
  const auto claimed = subject_->add("claimed", t_);
  take(t_, 10, days);
  const auto soon = add_failed("soon", t_ + seconds(120));
  const auto brought = run_sync(outbox().bring_forward(t_ + seconds(1), t_ + seconds(120)));
  ASSERT_TRUE(brought);
  EXPECT_EQ(*brought, 3U);
  auto taken = ids(take(t_ + seconds(1), 10, seconds(500)));
  std::ranges::sort(taken);
  EXPECT_EQ(taken, (Ids{fresh, failed, claimed}));
  EXPECT_EQ(ids(take(t_ + seconds(120))), Ids{soon}) << "a wait of the usual length is kept";
  EXPECT_EQ(run_sync(outbox().bring_forward(t_, t_ + seconds(600))), 0U);
  subject_->reopen();
  EXPECT_EQ(take(t_ + seconds(120)).size(), 4U);
}

TEST_P(OutboxContract, DeliveredEventIsGone) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().mark_delivered(id)));
  EXPECT_EQ(subject_->state(id), "delivered");
  EXPECT_TRUE(take(t_ + seconds(3600)).empty());
  EXPECT_EQ(next_due(), ports::NextDue());
}

TEST_P(OutboxContract, PostponedEventCountsNoFailure) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().postpone(id, t_ + seconds(2))));
  EXPECT_TRUE(take(t_ + seconds(1)).empty());
  const auto taken = take(t_ + seconds(2));
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].attempts, 0U);
  EXPECT_FALSE(taken[0].first_failure);
}

TEST_P(OutboxContract, RescheduledEventCountsItsFailures) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().reschedule(id, t_ + seconds(1), t_ + seconds(5), {"transient", "451 try later"})));
  EXPECT_EQ(next_due(), (ports::NextDue{.fresh = {}, .retried = t_ + seconds(5)}));
  auto taken = take(t_ + seconds(5));
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].attempts, 1U);
  EXPECT_EQ(taken[0].first_failure, t_ + seconds(1));
  ASSERT_TRUE(run_sync(outbox().reschedule(id, t_ + seconds(6), t_ + seconds(9), {"transient", "again"})));
  subject_->reopen();
  taken = take(t_ + seconds(9));
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].attempts, 2U);
  EXPECT_EQ(taken[0].first_failure, t_ + seconds(1));
  EXPECT_EQ(taken[0].due, t_ + seconds(9));
  EXPECT_EQ(taken[0].trace, kEventTrace);
}

TEST_P(OutboxContract, WhatDoesNotCountIsKeptAllTheSame) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().reschedule(id, t_, t_ + seconds(5), {"internal", "no descriptors"}, {}, false)));
  auto taken = take(t_ + seconds(5));
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].attempts, 0U);
  EXPECT_EQ(taken[0].first_failure, t_);
  EXPECT_EQ(taken[0].last_failure, "internal");
  ASSERT_TRUE(run_sync(outbox().give_up(id, t_ + seconds(6), {"transient", "451"})));
  const auto letter = run_sync(subject_->dead_letters().get(id));
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->attempts, 1U);
  EXPECT_EQ(letter->history.size(), 2U);
}

TEST_P(OutboxContract, RefusedRecipientsStayWithTheEventUntilItIsGivenUp) {
  const ports::FailureReason ann{"denied", "ann: 550 no", "ann@x.org", "550 no"};
  const ports::FailureReason bob{"denied", "bob: 550 no", "bob@x.org", "550 no"};
  const auto id = subject_->add("k", t_);
  EXPECT_TRUE(take(t_).at(0).refused.empty());
  ASSERT_TRUE(run_sync(outbox().reschedule(id, t_, t_, {"unconfirmed", "no answer"}, {bob})));
  ASSERT_TRUE(run_sync(outbox().postpone(id, t_, {ann})));
  subject_->reopen();
  auto taken = take(t_);
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].last_failure, "unconfirmed");
  std::ranges::sort(taken[0].refused, {}, &ports::FailureReason::recipient);
  EXPECT_EQ(taken[0].refused, (std::vector{ann, bob}));
  ASSERT_TRUE(run_sync(outbox().give_up(id, t_ + seconds(1), {"denied", "both"}, t_ + seconds(99))));
  EXPECT_EQ(run_sync(subject_->dead_letters().get(id))->removal, t_ + seconds(99));
  ASSERT_TRUE(run_sync(subject_->dead_letters().redrive({id}, t_ + seconds(50))));
  taken = take(t_ + seconds(50));
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_TRUE(taken[0].refused.empty()) << "everybody is tried again";
  EXPECT_EQ(taken[0].since, t_ + seconds(50)) << "its time begins anew";
}

TEST_P(OutboxContract, WhatIsOverdueIsTakenByItsAge) {
  const delivery::RetryPolicy policy{.give_up_after = seconds(100)};
  const auto overdue = [&](Instant now, std::size_t most = 10) {
    const auto taken = run_sync(outbox().take_overdue(now, policy, most, now + seconds(60)));
    EXPECT_TRUE(taken);
    return taken ? ids(*taken) : Ids();
  };
  const auto old = subject_->add("old", t_);
  const auto older = add_failed("failed", t_ + seconds(150));
  const auto young = subject_->add("young", t_ + seconds(50));
  EXPECT_EQ(overdue(t_ + seconds(99)), Ids());
  EXPECT_EQ(overdue(t_ + seconds(100)), Ids{old}) << "the failed one is not due yet";
  EXPECT_EQ(overdue(t_ + seconds(101)), Ids()) << "it is claimed";
  EXPECT_EQ(overdue(t_ + seconds(155), 1).size(), 1U);
  EXPECT_EQ(overdue(t_ + seconds(155), 1).size(), 1U) << "the other; " << older << " and " << young;
}

TEST_P(OutboxContract, GivenUpEventIsDead) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().give_up(id, t_ + seconds(1), {"denied", "550 no such user"})));
  EXPECT_EQ(subject_->state(id), "dead");
  EXPECT_TRUE(take(t_ + seconds(3600)).empty());
  subject_->reopen();
  EXPECT_EQ(subject_->state(id), "dead");
}

TEST_P(OutboxContract, DroppedEventKeepsItsRule) {
  const auto id = subject_->add("folder/", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().drop(id, t_, {"folder_marker", "a folder's own object"})));
  EXPECT_EQ(subject_->state(id), "dropped");
  EXPECT_TRUE(take(t_ + seconds(3600)).empty());
}

TEST_P(OutboxContract, EventThatIsNotPendingIsNotFound) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().mark_delivered(id)));
  EXPECT_EQ(run_sync(outbox().mark_delivered(id)).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_sync(outbox().reschedule(id, t_, t_, {"a", "b"})).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_sync(outbox().postpone(id, t_)).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_sync(outbox().give_up(id, t_, {"a", "b"})).error().kind, ErrorKind::not_found);
  EXPECT_EQ(run_sync(subject_->dead_letters().length()), 0U) << "nothing of it is left";
  EXPECT_EQ(run_sync(outbox().drop(id, t_, {"a", "b"})).error().kind, ErrorKind::not_found);
  EXPECT_EQ(subject_->state(id), "delivered");
}

TEST_P(OutboxContract, WakesWhenAnEventComesOrIsReleased) {
  std::atomic<int> woken = 0;
  outbox().on_new_entry([&woken] { ++woken; });
  const auto id = subject_->add("k", t_);
  EXPECT_EQ(woken, 1);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().reschedule(id, t_, t_, {"a", "b"})));
  EXPECT_EQ(woken, 2);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().postpone(id, t_)));
  EXPECT_EQ(woken, 3);
  outbox().on_new_entry({});
  subject_->add("k2", t_);
  EXPECT_EQ(woken, 3);
}

S3LINK_INSTANTIATE_CONTRACT(OutboxContract);

}  // namespace
}  // namespace s3link::contract
