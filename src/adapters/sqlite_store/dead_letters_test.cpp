// What the contract of the dead-letter queue does not say: its rows, and the bound of the outbox.
#include <gtest/gtest.h>

#include <chrono>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::days;
using std::chrono::seconds;

class DeadLettersTest : public StoreTest {
 protected:
  Result<ports::ObjectInfo> add(std::string_view key) {
    ports::PutObject request = put_request(key);
    request.modified = t_;
    request.event = origin();
    return run_sync(put(buckets(), std::move(request), "x"));
  }
  static ports::EventOrigin origin() {
    return {.event_name = "ObjectCreated:Put", .region = "", .principal = "p", .source_ip = "::1", .request_id = "R"};
  }
  std::int64_t add_dead(std::string_view key) {
    const auto id = static_cast<std::int64_t>(std::stoull(add(key)->sequencer, nullptr, 16));
    EXPECT_TRUE(run_sync(store_->outbox().give_up(id, t_, {"denied", "550 no"})));
    return id;
  }
  void reopen_with_room_for(std::uint64_t max_pending) {
    store_.reset();
    auto opened = Store::open({.data_dir = folder_.path(),
                               .master_key = test_master_key(),
                               .region = "us-east-1",
                               .max_pending = max_pending});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  std::int64_t ask_number(const char* sql) {
    auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::reader, nullptr);
    EXPECT_TRUE(db);
    Query row = (*db)->query(sql);
    return row.next() ? row.integer(0) : -1;
  }

  const Instant t_ = at_second(1'800'000'000);
};

TEST_F(DeadLettersTest, DroppedRowSaysTheRuleAndTheReason) {
  const auto id = add_dead("k");
  ASSERT_TRUE(run_sync(store_->dead_letters().drop({id}, t_ + seconds(9), {"retention", "its time is over"})));
  const auto rows = run_sync(store_->deliveries().list({}));
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().state, "dropped");
  EXPECT_EQ(rows->front().detail, "retention: its time is over; given up for denied: 550 no");
  EXPECT_EQ(rows->front().when, t_ + seconds(9));
  EXPECT_EQ(rows->front().attempts, 1U);
}

TEST_F(DeadLettersTest, RedrivenEventIsPendingWithItsOldReason) {
  const auto id = add_dead("k");
  ASSERT_TRUE(run_sync(store_->dead_letters().redrive({id}, t_ + seconds(9))));
  const auto rows = run_sync(store_->deliveries().list({}));
  ASSERT_EQ(rows->size(), 1U);
  EXPECT_EQ(rows->front().state, "pending");
  EXPECT_EQ(rows->front().detail, "denied: 550 no");
  EXPECT_EQ(rows->front().attempts, 0U);
}

TEST_F(DeadLettersTest, AttemptsEndWithTheirEvent) {
  const auto dropped = add_dead("dropped");
  const auto delivered = add_dead("delivered");
  const auto dropped_pending = add_dead("dropped while pending");
  const auto dead = add_dead("dead");
  EXPECT_EQ(ask_number("SELECT count(*) FROM attempts"), 4);
  ASSERT_TRUE(run_sync(store_->dead_letters().drop({dropped}, t_, {"dropped_by_operator", "text"})));
  ASSERT_TRUE(run_sync(store_->dead_letters().redrive({delivered, dropped_pending}, t_)));
  ASSERT_TRUE(run_sync(store_->outbox().mark_delivered(delivered)));
  ASSERT_TRUE(run_sync(store_->outbox().drop(dropped_pending, t_, {"object_gone", "text"})));
  EXPECT_EQ(ask_number("SELECT count(*) FROM attempts"), 1);
  EXPECT_EQ(run_sync(store_->dead_letters().get(dead))->history.size(), 1U);
}

TEST_F(DeadLettersTest, OldHistoryGoesThoughYoungerStandsBeforeIt) {
  const auto dead = add_dead("first event, dropped last");
  const auto other = add_dead("second event, dropped first");
  ASSERT_TRUE(run_sync(store_->dead_letters().drop({other}, t_, {"dropped_by_operator", "text"})));
  ASSERT_TRUE(run_sync(store_->dead_letters().drop({dead}, t_ + days(13), {"dropped_by_operator", "text"})));
  ASSERT_TRUE(run_sync(buckets().remove_expired(t_ + days(15), 10)));
  EXPECT_EQ(ask_number("SELECT id FROM dropped"), dead);
}

TEST_F(DeadLettersTest, FullOutboxRefusesWritesThatWouldMail) {
  reopen_with_room_for(2);
  ASSERT_TRUE(add("one"));
  EXPECT_TRUE(run_sync(store_->outbox_room()));
  ASSERT_TRUE(add("two"));
  EXPECT_EQ(run_sync(store_->outbox_room()).error().code, "SlowDown");
  const auto refused = add("three");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::transient);
  EXPECT_EQ(refused.error().code, "SlowDown");
  EXPECT_FALSE(get_bytes("three"));
  EXPECT_EQ(*get_bytes("two"), "x") << "reads go on";
  EXPECT_TRUE(put_bytes("without an event", "x"));

  reopen_with_room_for(2);  // the count is not forgotten
  EXPECT_FALSE(add("three"));
  auto taken = run_sync(store_->outbox().take_due(t_, {.total = 1, .retried = 1}, t_ + seconds(60)));
  ASSERT_EQ(taken->size(), 1U);
  EXPECT_FALSE(add("three")) << "what is claimed still waits";
  ASSERT_TRUE(run_sync(store_->outbox().mark_delivered(taken->front().id)));
  EXPECT_TRUE(run_sync(store_->outbox_room()));
  EXPECT_TRUE(add("three"));
}

TEST_F(DeadLettersTest, DeadLettersMakeRoomAndRedrivenOnesTakeIt) {
  reopen_with_room_for(1);
  const auto id = add_dead("dead");
  EXPECT_TRUE(run_sync(store_->dead_letters().redrive({id}, t_)));
  EXPECT_EQ(add("next").error().code, "SlowDown");
}

TEST_F(DeadLettersTest, FullOutboxRefusesCompletionsAndKeepsTheUpload) {
  reopen_with_room_for(1);
  const auto upload = run_sync(buckets().create_upload(
      bucket_name(),
      {.upload_id = {}, .key = object_key("key"), .initiated = t_, .headers = {}, .checksum_algorithm = {}}));
  ASSERT_TRUE(upload);
  auto body = run_sync(write_body(buckets(), "text"));
  const auto part = run_sync(
      buckets().put_part(bucket_name(), object_key("key"), upload->upload_id, 1, std::nullopt, t_, std::move(*body)));
  ASSERT_TRUE(part);
  const ports::CompleteUpload complete{.bucket = bucket_name(),
                                       .key = object_key("key"),
                                       .upload_id = upload->upload_id,
                                       .parts = {{.number = 1, .etag = part->etag, .checksum = {}}},
                                       .checksum = {},
                                       .modified = t_,
                                       .removed_at = {},
                                       .event = origin(),
                                       .condition = {}};
  const auto waiting = add("waiting");
  ASSERT_TRUE(waiting);
  EXPECT_EQ(run_sync(buckets().complete_upload(complete)).error().code, "SlowDown");
  ASSERT_TRUE(run_sync(
      store_->outbox().mark_delivered(static_cast<std::int64_t>(std::stoull(waiting->sequencer, nullptr, 16)))));
  EXPECT_TRUE(run_sync(buckets().complete_upload(complete)));
  EXPECT_TRUE(run_sync(buckets().complete_upload(complete))) << "a repeat needs no room";
}

}  // namespace
}  // namespace s3link::sqlite_store
