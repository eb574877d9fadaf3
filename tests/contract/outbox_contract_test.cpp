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
    auto taken = run_sync(outbox().take_due(now, max, now + lease));
    EXPECT_TRUE(taken);
    return taken ? *taken : std::vector<ports::OutboxEntry>();
  }
  static std::vector<std::int64_t> ids(const std::vector<ports::OutboxEntry>& entries) {
    std::vector<std::int64_t> out;
    for (const auto& entry : entries) out.push_back(entry.id);
    return out;
  }
  using Ids = std::vector<std::int64_t>;

  const Instant t_ = at_second(1'800'000'000);
  std::unique_ptr<OutboxSubject> subject_;
};

TEST_P(OutboxContract, EventIsDueAtOnceAndClaimedOnce) {
  EXPECT_FALSE(run_sync(outbox().next_due())->has_value());
  const auto id = subject_->add("some key", t_);
  EXPECT_EQ(*run_sync(outbox().next_due()), t_);
  EXPECT_TRUE(take(t_ - seconds(1)).empty());
  const auto taken = take(t_);
  ASSERT_EQ(ids(taken), Ids{id});
  EXPECT_EQ(taken[0].created, t_);
  EXPECT_EQ(taken[0].attempts, 0U);
  EXPECT_FALSE(taken[0].first_failure);
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

TEST_P(OutboxContract, ClaimEndsWithItsLease) {
  const auto id = subject_->add("k", t_);
  take(t_, 10, seconds(60));
  EXPECT_EQ(*run_sync(outbox().next_due()), t_ + seconds(60));
  EXPECT_TRUE(take(t_ + seconds(59)).empty());
  EXPECT_EQ(ids(take(t_ + seconds(60))), Ids{id});
}

TEST_P(OutboxContract, ClaimsEndWhenTheStoreIsOpenedAgain) {
  const auto id = subject_->add("k", t_);
  take(t_, 10, seconds(3600));
  subject_->reopen();
  EXPECT_EQ(*run_sync(outbox().next_due()), t_);
  EXPECT_EQ(ids(take(t_)), Ids{id});
}

TEST_P(OutboxContract, DeliveredEventIsGone) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().mark_delivered(id)));
  EXPECT_EQ(subject_->state(id), "delivered");
  EXPECT_TRUE(take(t_ + seconds(3600)).empty());
  EXPECT_FALSE(run_sync(outbox().next_due())->has_value());
}

TEST_P(OutboxContract, RescheduledEventCountsItsFailures) {
  const auto id = subject_->add("k", t_);
  take(t_);
  ASSERT_TRUE(run_sync(outbox().reschedule(id, t_ + seconds(1), t_ + seconds(5), {"transient", "451 try later"})));
  EXPECT_EQ(*run_sync(outbox().next_due()), t_ + seconds(5));
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
  EXPECT_EQ(run_sync(outbox().give_up(id, t_, {"a", "b"})).error().kind, ErrorKind::not_found);
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
  outbox().on_new_entry({});
  subject_->add("k2", t_);
  EXPECT_EQ(woken, 2);
}

S3LINK_INSTANTIATE_CONTRACT(OutboxContract);

}  // namespace
}  // namespace s3link::contract
