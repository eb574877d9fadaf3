#include <atomic>

#include "contract/subjects.hpp"
#include "core/event/event_record.hpp"

namespace s3link::contract {
namespace {

using std::chrono::days;
using std::chrono::seconds;
using Ids = std::vector<std::int64_t>;

class DeadLetterQueueContract : public testing::TestWithParam<Subjects> {
 protected:
  void SetUp() override { subject_ = GetParam().outbox(); }
  ports::Outbox& outbox() { return subject_->outbox(); }
  ports::DeadLetterQueue& queue() { return subject_->dead_letters(); }

  static ports::FailureReason refused(std::string reply = "550 5.1.1 no such user") {
    return {.kind = "denied", .message = "you@x.org: " + reply, .recipient = "you@x.org", .reply = reply};
  }
  std::int64_t add_dead(const std::string& key, Instant failed_at, ports::FailureReason reason = refused()) {
    const auto id = subject_->add(key, t_);
    EXPECT_TRUE(run_sync(outbox().give_up(id, failed_at, std::move(reason))));
    return id;
  }
  std::uint64_t length() {
    const auto got = run_sync(queue().length());
    EXPECT_TRUE(got);
    return got.value_or(999);
  }
  Ids listed(std::string reason = {}, std::optional<std::int64_t> after = {}, std::size_t limit = 100) {
    return ids(page({.reason = std::move(reason)}, after, limit));
  }
  ports::DeadLetterPage page(ports::DeadLetterFilter filter, std::optional<std::int64_t> after, std::size_t limit) {
    auto got = run_sync(queue().list(std::move(filter), after, limit));
    EXPECT_TRUE(got);
    return got ? std::move(*got) : ports::DeadLetterPage();
  }
  static Ids ids(const ports::DeadLetterPage& page) {
    Ids out;
    for (const auto& letter : page.letters) out.push_back(letter.id);
    return out;
  }
  std::vector<ports::OutboxEntry> take(Instant now) {
    auto taken = run_sync(outbox().take_due(now, {.total = 100, .retried = 100}, now + seconds(60)));
    EXPECT_TRUE(taken);
    return taken ? *taken : std::vector<ports::OutboxEntry>();
  }

  const Instant t_ = at_second(1'800'000'000);
  std::unique_ptr<OutboxSubject> subject_;
};

TEST_P(DeadLetterQueueContract, LetterTellsAll) {
  const auto id = subject_->add("some key", t_);
  ASSERT_TRUE(run_sync(outbox().reschedule(id, t_ + seconds(1), t_ + seconds(2), {"transient", "no route"})));
  ASSERT_TRUE(run_sync(outbox().give_up(id, t_ + seconds(3), refused())));
  subject_->reopen();
  const auto letter = run_sync(queue().get(id));
  ASSERT_TRUE(letter) << letter.error().message;
  EXPECT_EQ(letter->id, id);
  EXPECT_EQ(letter->bucket, "bucket");
  EXPECT_EQ(letter->key, "some key");
  EXPECT_EQ(event::parse_notification(letter->event_json)->records.at(0).key, "some key");
  EXPECT_EQ(letter->created, t_);
  EXPECT_EQ(letter->attempts, 2U);
  EXPECT_EQ(letter->first_failure, t_ + seconds(1));
  EXPECT_EQ(letter->last_failure, t_ + seconds(3));
  EXPECT_EQ(letter->reason, refused());
  EXPECT_EQ(letter->trace, kEventTrace);
  EXPECT_EQ(letter->history,
            (std::vector<ports::FailedAttempt>{{t_ + seconds(1), {.kind = "transient", .message = "no route"}},
                                               {t_ + seconds(3), refused()}}));
}

TEST_P(DeadLetterQueueContract, ListIsPagedNewestFirst) {
  EXPECT_TRUE(listed().empty());
  EXPECT_EQ(length(), 0U);
  Ids newest;
  for (int i = 0; i < 5; ++i) newest.insert(newest.begin(), add_dead("k" + std::to_string(i), t_));
  EXPECT_EQ(length(), 5U);
  EXPECT_EQ(listed(), newest);
  const auto first = page({}, {}, 2);
  EXPECT_EQ(ids(first), (Ids{newest[0], newest[1]}));
  EXPECT_TRUE(first.letters[0].history.empty());
  EXPECT_EQ(first.letters[0].reason, refused());
  const auto second = page({}, first.next, 2);
  EXPECT_EQ(ids(second), (Ids{newest[2], newest[3]}));
  const auto last = page({}, second.next, 2);
  EXPECT_EQ(ids(last), Ids{newest[4]});
  EXPECT_FALSE(last.next);
  EXPECT_FALSE(page({}, {}, 5).next) << "nothing comes after a full page that is the last";
}

TEST_P(DeadLetterQueueContract, ReasonsAreFilteredAndCounted) {
  EXPECT_TRUE(run_sync(queue().reasons())->empty());
  const auto refused_one = add_dead("a", t_);
  const auto unlinkable = add_dead("b", t_, {"unlinkable_key", "dots"});
  const auto refused_two = add_dead("c", t_);
  add_dead("d", t_, {"internal", "a bug"});
  EXPECT_EQ(listed("denied"), (Ids{refused_two, refused_one}));
  EXPECT_EQ(listed("unlinkable_key"), Ids{unlinkable});
  EXPECT_EQ(listed("denied", refused_two), Ids{refused_one});
  EXPECT_TRUE(listed("transient").empty());
  EXPECT_EQ(*run_sync(queue().reasons()),
            (std::vector<ports::ReasonCount>{{"denied", 2}, {"internal", 1}, {"unlinkable_key", 1}}));
}

TEST_P(DeadLetterQueueContract, RedrivenEventStartsAgainAndKeepsItsHistory) {
  const auto id = add_dead("k", t_ + seconds(1));
  const auto other = add_dead("other", t_ + seconds(1));
  EXPECT_EQ(run_sync(queue().redrive({id, 999'999}, t_ + seconds(50))), Ids{id});
  EXPECT_EQ(length(), 1U);
  EXPECT_EQ(listed(), Ids{other});
  EXPECT_EQ(subject_->state(id), "pending");
  EXPECT_TRUE(take(t_ + seconds(49)).empty());
  const auto taken = take(t_ + seconds(50));
  ASSERT_EQ(taken.size(), 1U);
  EXPECT_EQ(taken[0].id, id);
  EXPECT_EQ(taken[0].created, t_);
  EXPECT_EQ(taken[0].attempts, 0U);
  EXPECT_EQ(taken[0].first_failure, t_ + seconds(1)) << "it is no fresh one";
  EXPECT_EQ(taken[0].trace, kEventTrace);

  ASSERT_TRUE(run_sync(outbox().give_up(id, t_ + seconds(60), {"transient", "again"})));
  const auto letter = run_sync(queue().get(id));
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->attempts, 1U);
  EXPECT_EQ(letter->first_failure, t_ + seconds(1));
  EXPECT_EQ(letter->last_failure, t_ + seconds(60));
  EXPECT_EQ(letter->history.size(), 2U);
}

TEST_P(DeadLetterQueueContract, RedrivenAndDeliveredEventLeavesNothing) {
  const auto id = add_dead("k", t_);
  ASSERT_TRUE(run_sync(queue().redrive({id}, t_)));
  ASSERT_EQ(take(t_).size(), 1U);
  ASSERT_TRUE(run_sync(outbox().mark_delivered(id)));
  EXPECT_EQ(subject_->state(id), "delivered");
  EXPECT_EQ(length(), 0U);
  EXPECT_EQ(run_sync(queue().get(id)).error().kind, ErrorKind::not_found);
}

TEST_P(DeadLetterQueueContract, DroppedEventIsDropped) {
  const auto id = add_dead("k", t_);
  const auto other = add_dead("other", t_);
  EXPECT_EQ(run_sync(queue().drop({id, 999'999, id}, t_ + seconds(5), {"dropped_by_operator", "text"})), Ids{id});
  EXPECT_EQ(subject_->state(id), "dropped");
  EXPECT_EQ(subject_->state(other), "dead");
  EXPECT_EQ(length(), 1U);
  EXPECT_EQ(run_sync(queue().get(id)).error().kind, ErrorKind::not_found);
  EXPECT_TRUE(run_sync(queue().redrive({id}, t_))->empty());
}

TEST_P(DeadLetterQueueContract, LastAttemptsAreKept) {
  const auto id = subject_->add("k", t_);
  for (int i = 0; i < 50; ++i)
    ASSERT_TRUE(run_sync(outbox().reschedule(id, t_ + seconds(i), t_, {"transient", std::to_string(i)})));
  ASSERT_TRUE(run_sync(outbox().give_up(id, t_ + seconds(50), refused())));
  const auto letter = run_sync(queue().get(id));
  ASSERT_TRUE(letter);
  EXPECT_EQ(letter->attempts, 51U);
  ASSERT_EQ(letter->history.size(), ports::kMostAttemptsKept);
  EXPECT_EQ(letter->history.front().reason.message, "31");
  EXPECT_EQ(letter->history.back().reason, refused());
}

TEST_P(DeadLetterQueueContract, OldOnesAreFoundByTheirLastFailure) {
  const auto first = add_dead("first", t_ + days(2));
  const auto second = add_dead("second", t_ + days(1));
  add_dead("third", t_ + days(3));
  const auto older = [&](Instant when, std::size_t limit) {
    ports::DeadLetterPage page;
    page.letters = *run_sync(queue().older_than(when, limit));
    return ids(page);
  };
  EXPECT_TRUE(older(t_ + days(1), 10).empty());
  EXPECT_EQ(older(t_ + days(1) + seconds(1), 10), Ids{second});
  EXPECT_EQ(older(t_ + days(3), 10), (Ids{second, first}));
  EXPECT_EQ(older(t_ + days(3), 1), Ids{second});
}

TEST_P(DeadLetterQueueContract, TellsOfEveryChange) {
  std::atomic<int> changes = 0;
  queue().on_change([&changes] { ++changes; });
  std::atomic<int> woken = 0;
  const auto id = add_dead("k", t_);
  const auto other = add_dead("other", t_);
  EXPECT_EQ(changes, 2);
  outbox().on_new_entry([&woken] { ++woken; });
  ASSERT_TRUE(run_sync(queue().redrive({id}, t_)));
  EXPECT_EQ(changes, 3);
  EXPECT_EQ(woken, 1);
  ASSERT_TRUE(run_sync(queue().drop({other}, t_, {"dropped_by_operator", "text"})));
  EXPECT_EQ(changes, 4);
  ASSERT_TRUE(run_sync(queue().redrive({999'999}, t_)));
  ASSERT_TRUE(run_sync(queue().drop({999'999}, t_, {"dropped_by_operator", "text"})));
  EXPECT_EQ(changes, 4) << "nothing changed";
  EXPECT_EQ(woken, 1);
  outbox().on_new_entry({});
  queue().on_change({});
}

S3LINK_INSTANTIATE_CONTRACT(DeadLetterQueueContract);

}  // namespace
}  // namespace s3link::contract
