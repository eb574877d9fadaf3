// A database of an earlier version is taken over with all it holds.
#include <gtest/gtest.h>

#include <chrono>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::seconds;

class MigrationTest : public testing::Test {
 protected:
  std::unique_ptr<Connection> connect() {
    auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::writer, nullptr);
    EXPECT_TRUE(db);
    add_test_seals(**db);
    return std::move(*db);
  }
  std::int64_t version() { return ask("PRAGMA user_version"); }
  std::int64_t ask(const char* sql) {
    const auto db = connect();
    Query row = db->query(sql);
    return row.next() ? row.integer(0) : -1;
  }

  TemporaryFolder folder_;
};

TEST_F(MigrationTest, Version1) {
  {
    const auto db = connect();
    ASSERT_TRUE(prepare_schema(*db, 1));
    db->script(
        "UPDATE meta SET value=8 WHERE name='next_number';"
        "INSERT INTO outbox(id, event_json, bucket, key, created_ms, due_ms) VALUES"
        " (1, '{}', 'b', CAST('fresh' AS BLOB), 1000, 1000);"
        "INSERT INTO outbox(id, event_json, bucket, key, created_ms, due_ms, leased_due_ms, attempts, first_failure_ms,"
        " last_kind, last_message) VALUES"
        " (2, '{}', 'b', CAST('retried' AS BLOB), 1000, 9000, 3000, 1, 2000, 'transient', '451');"
        "INSERT INTO dead_letters(id, event_json, bucket, key, created_ms, attempts, first_failure_ms, last_failure_ms,"
        " kind, message) VALUES"
        " (3, '{\"a\":1}', 'b', CAST('dead' AS BLOB), 1000, 5, 2000, 4000, 'denied', '550 no');"
        "INSERT INTO dropped VALUES(4, '{}', 'b', CAST('dropped' AS BLOB), 1000, 0, 2000, 'folder_marker', 'text');");
    ASSERT_TRUE(db->ok()) << db->error().message;
  }
  EXPECT_EQ(version(), 1);

  auto store = open_store(folder_.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(version(), kSchemaVersion);
  EXPECT_EQ(ask("SELECT value FROM counters WHERE name='outbox'"), 2);
  EXPECT_EQ(*run_sync((*store)->dead_letters().length()), 1U);
  const auto letter = run_sync((*store)->dead_letters().get(3));
  ASSERT_TRUE(letter) << letter.error().message;
  EXPECT_EQ(letter->event_json, "{\"a\":1}");
  EXPECT_EQ(letter->key, "dead");
  EXPECT_EQ(letter->attempts, 5U);
  EXPECT_EQ(letter->reason, (ports::FailureReason{.kind = "denied", .message = "550 no"}));
  EXPECT_EQ(letter->trace, "");
  EXPECT_TRUE(letter->history.empty()) << "version 1 did not keep them";

  const auto taken = run_sync((*store)->outbox().take_due(at_second(3), {.total = 9, .retried = 9}, at_second(60)));
  ASSERT_EQ(taken->size(), 2U) << "the claim of the process that had it is released";
  EXPECT_EQ((*taken)[0].id, 2);
  EXPECT_EQ((*taken)[1].id, 1);
  EXPECT_EQ((*taken)[1].trace, "");
  ASSERT_TRUE(run_sync((*store)->outbox().mark_delivered(1)));
  EXPECT_EQ(ask("SELECT value FROM counters WHERE name='outbox'"), 1);
  EXPECT_EQ(run_sync((*store)->deliveries().list({}))->size(), 3U);
}

TEST_F(MigrationTest, RecipientsOfVersion4GetDomainsInLowerCase) {
  {
    const auto db = connect();
    ASSERT_TRUE(prepare_schema(*db, 4));
    add_old_key_check(*db);
    for (const std::string recipient :
         {"Ann@Example.TEST", "\"A@B\"@X.Test", "BOB@x.test", "Twice@X.test", "Twice@x.test"}) {
      db->run(
          "INSERT INTO ledger VALUES('0000000000000001', ?1, 'link', 'b', x'61', '<' || ?1 || '>', 1, 1, 1, '', '')",
          recipient);
    }
    db->script("INSERT INTO refusals VALUES(7, 'Ann@Example.TEST', 'denied', '550', '')");
    ASSERT_TRUE(db->ok()) << db->error().message;
  }
  const auto store = open_store(folder_.path());
  ASSERT_TRUE(store) << store.error().message;
  for (const std::string recipient : {"Ann@example.test", "\"A@B\"@x.test", "BOB@x.test", "Twice@x.test"}) {
    EXPECT_EQ(run_sync((*store)->ledger().contains(
                  {.bucket = "b", .key = "a", .sequencer = "0000000000000001", .recipient = recipient})),
              Result<bool>(true))
        << recipient;
  }
  EXPECT_EQ(ask("SELECT count(*) FROM refusals WHERE recipient='Ann@example.test'"), 1);
}

TEST_F(MigrationTest, InterruptedOneLeavesTheOldVersion) {
  {
    const auto db = connect();
    ASSERT_TRUE(prepare_schema(*db, 1));
    db->script("CREATE TABLE counters(x);");  // in the way
    ASSERT_TRUE(db->ok());
  }
  EXPECT_FALSE(open_store(folder_.path()));
  EXPECT_EQ(version(), 1);
  connect()->script("DROP TABLE counters;");
  EXPECT_TRUE(open_store(folder_.path()));
  EXPECT_EQ(version(), kSchemaVersion);
}

TEST_F(MigrationTest, NewDatabaseAndMigratedOneAreTheSame) {
  const auto schema_of = [&] {
    const auto db = connect();
    std::vector<std::string> out;
    Query rows = db->query("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name");
    while (rows.next()) out.push_back(rows.text(0));
    return out;
  };
  ASSERT_TRUE(prepare_schema(*connect()));
  const auto direct = schema_of();
  std::filesystem::remove(folder_.path() / "s3link.db");
  ASSERT_TRUE(prepare_schema(*connect(), 1));
  ASSERT_TRUE(prepare_schema(*connect()));
  EXPECT_EQ(schema_of(), direct);
}

}  // namespace
}  // namespace s3link::sqlite_store
