#include "services/pipeline/redrive.hpp"

#include <gtest/gtest.h>

#include "core/event/event_record.hpp"
#include "support/bucket_store_calls.hpp"
#include "support/fake_bucket_store.hpp"
#include "support/fake_clock.hpp"
#include "support/fake_dead_letter_queue.hpp"
#include "support/fake_logger.hpp"
#include "support/run_sync.hpp"

namespace s3link::pipeline {
namespace {

using namespace std::chrono_literals;
using namespace test_support;  // NOLINT(google-build-using-namespace): tests
using Ids = std::vector<std::int64_t>;

const RedriveOrigin kOrigin{.request_id = "0123456789ABCDEF", .trace_id = "1-5759e988-x"};

class RedriveTest : public testing::Test {
 protected:
  RedriveTest() { EXPECT_TRUE(run_sync(buckets_.create_bucket(bucket_name(), clock_.now()))); }

  /// An object whose event is a dead letter; returns its id.
  std::int64_t put_dead(std::string_view key, std::optional<Instant> removed_at = {}) {
    auto request = put_request(key);
    request.removed_at = removed_at;
    const auto info = run_sync(put(buckets_, std::move(request), "content"));
    EXPECT_TRUE(info);
    return add_dead(event_of(std::string(key), info->sequencer));
  }
  static std::string event_of(std::string key, std::string sequencer, std::string bucket = "bucket") {
    event::EventRecord record;
    record.event_name = "ObjectCreated:Put";
    record.bucket = std::move(bucket);
    record.key = std::move(key);
    record.sequencer = std::move(sequencer);
    return event::build_notification(record);
  }
  std::int64_t add_dead(std::string event_json) {
    const auto id = outbox_.add(std::move(event_json), clock_.now());
    EXPECT_TRUE(run_sync(outbox_.give_up(id, clock_.now(), {"denied", "550 no"})));
    return id;
  }
  /// The reason it is refused for; empty: it was redriven.
  std::string refusal(std::int64_t id) {
    const auto outcome = run_sync(redrive_.redrive({id}, kOrigin));
    EXPECT_TRUE(outcome);
    EXPECT_EQ(outcome->done.size() + outcome->refused.size(), 1U);
    if (outcome->refused.empty()) return {};
    EXPECT_EQ(outcome->refused[0].id, id);
    EXPECT_FALSE(outcome->refused[0].message.empty());
    return outcome->refused[0].reason;
  }

  FakeClock clock_;
  FakeLogger logger_;
  FakeOutbox outbox_;
  FakeDeadLetterQueue queue_{outbox_};
  FakeBucketStore buckets_{clock_};
  Redrive redrive_{queue_, buckets_, clock_, logger_};
};

TEST_F(RedriveTest, WhatIsThereGoesBackDueAtOnce) {
  const auto one = put_dead("one");
  const auto two = put_dead("two", clock_.now() + 10s);
  clock_.advance(9s);
  const auto outcome = run_sync(redrive_.redrive({one, two}, kOrigin));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->done, (Ids{one, two}));
  EXPECT_TRUE(outcome->refused.empty());
  EXPECT_EQ(outbox_.row(one).state, "pending");
  EXPECT_EQ(outbox_.row(one).due, clock_.now());
  EXPECT_EQ(
      logger_.lines,
      std::vector<std::string>{
          "dead letters redriven count=2 refused=0 event_ids=1,2 request_id=0123456789ABCDEF trace_id=1-5759e988-x"});
}

TEST_F(RedriveTest, WhatCannotBeDeliveredIsRefusedWithItsReason) {
  const auto removed = put_dead("removed");
  ASSERT_TRUE(run_sync(buckets_.delete_objects(bucket_name(), {object_key("removed")})));
  const auto replaced = put_dead("replaced");
  put_dead("replaced");
  const auto expired = put_dead("expired", clock_.now() + 1h);
  const auto in_a_moment = put_dead("in a moment", clock_.now() + 1h + 500ms);
  const auto no_bucket = add_dead(event_of("k", "0000000000000001", "elsewhere"));
  const auto dots = put_dead("a/../b");
  const auto unreadable = add_dead("{");
  clock_.advance(1h);
  EXPECT_EQ(refusal(removed), "object_gone");
  EXPECT_EQ(refusal(replaced), "replaced");
  EXPECT_EQ(refusal(expired), "object_gone");
  EXPECT_EQ(refusal(in_a_moment), "object_gone");
  EXPECT_EQ(refusal(no_bucket), "object_gone");
  EXPECT_EQ(refusal(dots), "unlinkable_key");
  EXPECT_EQ(refusal(unreadable), "unreadable_event");
  EXPECT_EQ(refusal(999), "not_found");
  EXPECT_EQ(*run_sync(queue_.length()), 8U) << "what was refused stays";
}

TEST_F(RedriveTest, OneRefusalKeepsNoOtherBack) {
  const auto good = put_dead("good");
  const auto outcome = run_sync(redrive_.redrive({998, good, 999}, kOrigin));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->done, Ids{good});
  EXPECT_EQ(outcome->refused.size(), 2U);
}

TEST_F(RedriveTest, NamingOneTwiceRedrivesItOnce) {
  const auto id = put_dead("k");
  const auto outcome = run_sync(redrive_.redrive({id, id}, kOrigin));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->done, Ids{id});
  EXPECT_TRUE(outcome->refused.empty());
  EXPECT_EQ(redrive_.redriven(), 1U);
  EXPECT_EQ(redrive_.dropped(), 0U);
}

TEST_F(RedriveTest, StoreThatFailsIsAnErrorAndRedrivesNothing) {
  const auto id = put_dead("k");
  buckets_.failures["head_object"] = {{ErrorKind::internal, "I/O error", ""}};
  EXPECT_EQ(run_sync(redrive_.redrive({id}, kOrigin)).error().message, "I/O error");
  queue_.failures = {{ErrorKind::transient, "busy", ""}};
  EXPECT_EQ(run_sync(redrive_.redrive({id}, kOrigin)).error().message, "busy");
  EXPECT_EQ(outbox_.row(id).state, "dead");
}

TEST_F(RedriveTest, DroppedOnesAreDroppedByTheOperatorsRule) {
  const auto id = put_dead("k");
  const auto outcome = run_sync(redrive_.drop({id, 999}, kOrigin));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->done, Ids{id});
  ASSERT_EQ(outcome->refused.size(), 1U);
  EXPECT_EQ(outcome->refused[0].reason, "not_found");
  EXPECT_EQ(outbox_.row(id).state, "dropped");
  EXPECT_EQ(outbox_.row(id).reason->kind, "dropped_by_operator");
  EXPECT_EQ(redrive_.dropped(), 1U);
  EXPECT_EQ(redrive_.redriven(), 0U);
  EXPECT_EQ(outbox_.row(id).reason->message, "an operator gave it up for good; given up for denied: 550 no");
}

}  // namespace
}  // namespace s3link::pipeline
