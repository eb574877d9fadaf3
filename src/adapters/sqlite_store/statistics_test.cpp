// What the store says about itself: counters that triggers keep, and what writing took.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/meter.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

using ports::BucketUsage;
using Usage = std::vector<BucketUsage>;

class StatisticsTest : public StoreTest {
 protected:
  ports::StoreStatistics read() {
    auto read =
        run_sync(store_->statistics().read_statistics({bucket_name(), bucket_name("other"), bucket_name("none")}));
    EXPECT_TRUE(read) << read.error().message;
    return std::move(*read);
  }
  Usage usage() { return read().buckets; }
  static BucketUsage of(std::uint64_t objects, std::uint64_t bytes, std::string_view bucket = "bucket") {
    return {.bucket = bucket_name(bucket), .objects = objects, .bytes = bytes};
  }
};

TEST_F(StatisticsTest, BucketsAreCountedThroughWritesOverwritesAndRemovals) {
  ASSERT_TRUE(run_sync(buckets().create_bucket(bucket_name("other"), at_second(1))));
  EXPECT_EQ(usage(), (Usage{of(0, 0), of(0, 0, "other")}));
  ASSERT_TRUE(put_bytes("a", pattern(100)));
  ASSERT_TRUE(put_bytes("b", pattern(300'000)));
  ASSERT_TRUE(run_sync(put(buckets(), put_request("a", "other"), pattern(7))));
  EXPECT_EQ(usage(), (Usage{of(2, 300'100), of(1, 7, "other")}));
  ASSERT_TRUE(put_bytes("b", pattern(5)));
  EXPECT_EQ(usage(), (Usage{of(2, 105), of(1, 7, "other")}));
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("a"), object_key("not there")})));
  EXPECT_EQ(usage(), (Usage{of(1, 5), of(1, 7, "other")}));
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name("other"), {object_key("a")})));
  ASSERT_TRUE(run_sync(buckets().delete_bucket(bucket_name("other"))));
  EXPECT_EQ(usage(), (Usage{of(1, 5)}));
}

TEST_F(StatisticsTest, AnObjectWhoseTimeIsOverCountsUntilItIsRemoved) {
  auto request = put_request("brief");
  request.removed_at = at_second(1'700'000'010);
  ASSERT_TRUE(run_sync(put(buckets(), std::move(request), pattern(10))));
  EXPECT_EQ(usage(), (Usage{of(1, 10)}));
  EXPECT_EQ(*run_sync(buckets().remove_expired(at_second(1'700'000'010), 10)), 1U);
  EXPECT_EQ(usage(), (Usage{of(0, 0)}));
}

TEST_F(StatisticsTest, AMultipartUploadCountsOnceItIsCompleted) {
  const auto upload = run_sync(buckets().create_upload(
      bucket_name(),
      {.upload_id = {}, .key = object_key("m"), .initiated = at_second(1), .headers = {}, .checksum_algorithm = {}}));
  ASSERT_TRUE(upload);
  auto body = run_sync(write_body(buckets(), pattern(1'000)));
  ASSERT_TRUE(body);
  const auto part = run_sync(buckets().put_part(bucket_name(), object_key("m"), upload->upload_id, 1, std::nullopt,
                                                at_second(1), std::move(*body)));
  ASSERT_TRUE(part) << part.error().message;
  EXPECT_EQ(usage(), (Usage{of(0, 0)}));
  const auto done = run_sync(buckets().complete_upload({.bucket = bucket_name(),
                                                        .key = object_key("m"),
                                                        .upload_id = upload->upload_id,
                                                        .parts = {{.number = 1, .etag = part->etag, .checksum = {}}},
                                                        .checksum = {},
                                                        .modified = at_second(2),
                                                        .removed_at = {},
                                                        .event = {},
                                                        .condition = {}}));
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(usage(), (Usage{of(1, 1'000)}));
}

TEST_F(StatisticsTest, TheOutboxTheDeadLettersAndTheAlarms) {
  EXPECT_EQ(read().outbox, 0U);
  EXPECT_FALSE(read().oldest_event);
  for (const std::string_view key : {"a", "b", "c"}) {
    auto request = put_request(key);
    request.event = ports::EventOrigin{
        .event_name = "ObjectCreated:Put", .region = {}, .principal = {}, .source_ip = {}, .request_id = {}};
    ASSERT_TRUE(run_sync(put(buckets(), std::move(request), "x")));
  }
  auto& outbox = store_->outbox();
  const auto taken = *run_sync(outbox.take_due(Instant::max(), {.total = 9, .retried = 9}, Instant::max()));
  ASSERT_EQ(taken.size(), 3U);
  ASSERT_TRUE(run_sync(outbox.mark_delivered(taken[0].id)));
  ASSERT_TRUE(run_sync(outbox.give_up(taken[1].id, at_second(5), {.kind = "denied", .message = "no"})));
  delivery::AlarmMemory standing;
  standing.state = delivery::AlarmState::alarm;
  ASSERT_TRUE(run_sync(store_->alarms().save_and_notify(alarm::AlarmName::dead_letters, standing, {}, {"email"})));
  const auto now = read();
  EXPECT_EQ(now.outbox, 1U);
  EXPECT_EQ(now.oldest_event, taken[2].created);
  EXPECT_EQ(now.dead_letters, 1U);
  EXPECT_EQ(now.alarms, (std::vector<ports::AlarmStanding>{
                            {.alarm = alarm::AlarmName::dead_letters, .state = delivery::AlarmState::alarm},
                            {.alarm = alarm::AlarmName::oldest_event, .state = delivery::AlarmState::ok},
                            {.alarm = alarm::AlarmName::relay_login, .state = delivery::AlarmState::ok},
                            {.alarm = alarm::AlarmName::clock, .state = delivery::AlarmState::ok},
                            {.alarm = alarm::AlarmName::storage, .state = delivery::AlarmState::ok}}));
  ASSERT_EQ(now.subscribers.size(), 1U);
  EXPECT_EQ(now.subscribers[0].pending, 1U);
}

TEST_F(StatisticsTest, AskingDoesNotScan) {
  auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::reader, nullptr);
  ASSERT_TRUE(db);
  for (const char* const sql : {"EXPLAIN QUERY PLAN SELECT object_count, object_bytes FROM buckets WHERE name=?1",
                                "EXPLAIN QUERY PLAN SELECT value FROM counters WHERE name='outbox'"}) {
    Query rows = (*db)->query(sql);
    while (rows.next()) EXPECT_NE(rows.text(3).find("SEARCH"), std::string::npos) << rows.text(3);
  }
}

TEST_F(StatisticsTest, AReadIsDoneOnAnotherThreadThanTheCallers) {
  asio::io_context context;
  bool read = false;
  asio::co_spawn(context, store_->statistics().read_statistics({bucket_name()}),
                 [&](const std::exception_ptr& thrown, const Result<ports::StoreStatistics>& got) {
                   EXPECT_FALSE(thrown);
                   EXPECT_TRUE(got);
                   read = true;
                 });
  context.run_one();
  EXPECT_FALSE(read) << "begun, and left to another thread";
  context.run();
  EXPECT_TRUE(read);
}

TEST_F(StatisticsTest, WhatWritingTakesIsMeasured) {
  const auto& meter = store_->meter();
  const auto before = meter.batches.read();
  const auto bodies = meter.body_syncs.read().count;
  ASSERT_TRUE(put_bytes("small", pattern(100)));
  EXPECT_EQ(meter.batches.read().count, before.count + 1);
  EXPECT_EQ(meter.batches.read().sum, before.sum + 1);
  EXPECT_EQ(meter.commits.read().count, meter.batches.read().count) << "of each batch one COMMIT";
  EXPECT_EQ(meter.body_syncs.read().count, bodies) << "a small body has no file";
  ASSERT_TRUE(put_bytes("large", pattern(300'000)));
  EXPECT_EQ(meter.body_syncs.read().count, bodies + 1);
  EXPECT_GE(meter.folder_syncs.read().count, 1U);
  EXPECT_EQ(meter.failed_transactions, 0U);
}

TEST(StatisticsMigrationTest, WhatAnEarlierVersionHeldIsCounted) {
  const TemporaryFolder folder;
  {
    auto db = Connection::open(folder.path() / "s3link.db", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db);
    ASSERT_TRUE(prepare_schema(**db, 2));
    (*db)->script(
        "INSERT INTO buckets(id, name, created_ms) VALUES(1, 'bucket', 1000), (2, 'empty', 1000);"
        "INSERT INTO objects(bucket, key, number, body_set, size, etag, modified_ms, parts)"
        " VALUES(1, x'61', 2, 2, 5, 'e', 1, 0), (1, x'62', 3, 3, 70, 'e', 1, 0);"
        "UPDATE meta SET value=10 WHERE name='next_number'");
    add_old_key_check(**db);
    ASSERT_TRUE((*db)->ok()) << (*db)->error().message;
  }
  const auto store = open_store(folder.path());
  ASSERT_TRUE(store) << store.error().message;
  const auto read = run_sync((*store)->statistics().read_statistics({bucket_name("empty"), bucket_name()}));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->buckets, (Usage{{.bucket = bucket_name("empty"), .objects = 0, .bytes = 0},
                                  {.bucket = bucket_name(), .objects = 2, .bytes = 75}}));
}

}  // namespace
}  // namespace s3link::sqlite_store
