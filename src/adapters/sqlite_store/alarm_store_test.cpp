// The alarm's tables: made for a database of version 1 too, left empty when all is told, read along an index.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

std::int64_t count_of(const std::filesystem::path& folder, const char* sql) {
  auto db = Connection::open(folder / "s3link.db", Connection::Mode::reader, nullptr);
  EXPECT_TRUE(db);
  Query row = (*db)->query(sql);
  return row.next() ? row.integer(0) : -1;
}

TEST(AlarmStoreMigration, DatabaseOfVersionOneKeepsItsDeadLettersAndGetsAnAlarm) {
  const TemporaryFolder folder;
  {
    auto db = Connection::open(folder.path() / "s3link.db", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db);
    ASSERT_TRUE(prepare_schema(**db, 1));
    (*db)->script(
        "INSERT INTO dead_letters(id, event_json, bucket, key, created_ms, attempts, first_failure_ms, last_failure_ms,"
        " kind, message) VALUES(1, '{}', 'b', x'61', 1, 1, 1, 1, 'denied', '550 no')");
    ASSERT_TRUE((*db)->ok());
  }
  ASSERT_EQ(count_of(folder.path(), "PRAGMA user_version"), 1);
  auto opened = open_store(folder.path());
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ(run_sync((*opened)->alarms().measure(at_second(9)))->dead_letters, 1U);
  EXPECT_EQ(run_sync((*opened)->alarms().load(alarm::AlarmName::dead_letters))->state, delivery::AlarmState::ok);
  EXPECT_EQ(count_of(folder.path(), "PRAGMA user_version"), kSchemaVersion);
}

class AlarmStoreTest : public StoreTest {};

TEST_F(AlarmStoreTest, NothingIsLeftOfWhatEverybodyWasTold) {
  ports::AlarmStore& alarms = store_->alarms();
  const auto notify = [&](const std::vector<std::string>& subscribers) {
    ASSERT_TRUE(run_sync(alarms.save_and_notify(alarm::AlarmName::dead_letters, {}, {}, subscribers)));
  };
  const auto notifications = [&] { return count_of(folder_.path(), "SELECT count(*) FROM alarm_notifications"); };
  notify({"a", "b"});
  const auto id = (*run_sync(alarms.next_for("a")))->notification.id;
  ASSERT_TRUE(run_sync(alarms.mark_told("a", id, at_second(2))));
  EXPECT_EQ(notifications(), 1);
  ASSERT_TRUE(run_sync(alarms.give_up("b", id, at_second(2), "no")));
  EXPECT_EQ(notifications(), 0);
  for (std::size_t i = 0; i < ports::AlarmStore::kMostPending + 5; ++i) notify({"a"});
  EXPECT_EQ(notifications(), ports::AlarmStore::kMostPending);
  ASSERT_TRUE(run_sync(alarms.keep_subscribers({})));
  EXPECT_EQ(notifications(), 0);
}

TEST_F(AlarmStoreTest, LookingForReasonsDoesNotReadTheEvents) {
  auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::reader, nullptr);
  ASSERT_TRUE(db);
  sqlite3_stmt* statement = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2((*db)->handle(),
                               "EXPLAIN QUERY PLAN SELECT kind, message, count(*) FROM dead_letters"
                               " GROUP BY kind, message",
                               -1, &statement, nullptr),
            SQLITE_OK);
  std::string plan;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    plan += reinterpret_cast<const char*>(sqlite3_column_text(statement, 3));
  }
  sqlite3_finalize(statement);
  EXPECT_NE(plan.find("USING COVERING INDEX dead_letters_by_reason"), std::string::npos) << plan;
  EXPECT_EQ(plan.find("TEMP B-TREE"), std::string::npos) << plan;
}

}  // namespace
}  // namespace s3link::sqlite_store
