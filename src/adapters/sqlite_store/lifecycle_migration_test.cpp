#include <gtest/gtest.h>

#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::days;

/// A database as version 1 made it: one bucket with an object and an upload.
void make_version_1(const std::filesystem::path& folder) {
  auto db = Connection::open(folder / "s3link.db", Connection::Mode::writer, nullptr);
  ASSERT_TRUE(db);
  ASSERT_TRUE(prepare_schema(**db, 1));
  (*db)->script(
      "INSERT INTO buckets(id, name, created_ms) VALUES(1, 'bucket', 1000);"
      "INSERT INTO objects(bucket, key, number, body_set, size, etag, modified_ms, removed_at_ms, parts)"
      " VALUES(1, x'6f', 2, 2, 0, 'e', 4102444800000, 4102531200000, 0);"
      "INSERT INTO uploads(bucket, key, upload_id, body_set, initiated_ms, checksum_algorithm, checksum_composite)"
      " VALUES(1, x'75', 'old', 3, 5000, '', 0);"
      "UPDATE meta SET value=10 WHERE name='next_number'");
  add_old_key_check(**db);
  ASSERT_TRUE((*db)->ok()) << (*db)->error().message;
}

TEST(LifecycleMigrationTest, ObjectsKeepTheirTimeAndUploadsGetAWeek) {
  const TemporaryFolder folder;
  make_version_1(folder.path());
  const auto store = open_store(folder.path());
  ASSERT_TRUE(store) << store.error().message;
  ports::BucketStore& buckets = (*store)->buckets();

  const auto object = run_sync(buckets.head_object(bucket_name(), object_key("o")));
  ASSERT_TRUE(object) << object.error().message;
  EXPECT_EQ(object->removed_at, from_unix_ms(4102531200000));
  EXPECT_EQ(object->removal_rule, "");
  EXPECT_EQ(*run_sync(buckets.lifecycle(bucket_name())), s3::LifecycleRules{});
  EXPECT_FALSE(*run_sync(buckets.apply_lifecycle(bucket_name(), days(1), 10)));

  EXPECT_EQ(*run_sync(buckets.abort_old_uploads(at_second(4) + days(7), 10)), 0U);
  EXPECT_EQ(*run_sync(buckets.abort_old_uploads(at_second(5) + days(7), 10)), 1U);
  EXPECT_EQ(run_sync((*store)->access_log_journal().waiting())->lines, 0U);
}

TEST(LifecycleMigrationTest, AMigratedDatabaseIsNotMigratedAgain) {
  const TemporaryFolder folder;
  make_version_1(folder.path());
  ASSERT_TRUE(open_store(folder.path()));
  const auto again = open_store(folder.path());
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(run_sync((*again)->buckets().head_object(bucket_name(), object_key("o"))));
}

}  // namespace
}  // namespace s3link::sqlite_store
