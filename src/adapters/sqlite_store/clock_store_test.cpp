#include "adapters/sqlite_store/clock_store.hpp"

#include <gtest/gtest.h>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

using namespace std::chrono_literals;
using delivery::ClockRecord;

class ClockStoreTest : public StoreTest {
 protected:
  std::optional<ClockRecord> load() {
    auto loaded = run_sync(store_->clock().load());
    EXPECT_TRUE(loaded) << loaded.error().message;
    return loaded.value_or(std::nullopt);
  }
  void change(const char* sql) {
    auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db);
    (*db)->script(sql);
    ASSERT_TRUE((*db)->ok()) << (*db)->error().message;
  }
};

const ClockRecord kRecord{.newest = at_second(1000),
                          .last = {.wall = at_second(5000), .since_boot = 7h + 3ms, .boot_id = "a-b"},
                          .trusted = at_second(990),
                          .in_step_since = 6h,
                          .proof = 24h};

TEST_F(ClockStoreTest, WhatWasSavedLastIsThereAfterAStart) {
  EXPECT_TRUE(run_sync(store_->clock().save(ClockRecord{})));
  EXPECT_TRUE(run_sync(store_->clock().save(kRecord)));
  EXPECT_EQ(load(), kRecord);
  reopen();
  EXPECT_EQ(load(), kRecord);
}

TEST_F(ClockStoreTest, WhatItCannotReadCountsAsNothing) {
  EXPECT_TRUE(run_sync(store_->clock().save(kRecord)));
  for (const char* const text : {"", "7", "{}", R"({"newest_ms":"x"})", "{\"newest_ms\":"}) {
    change(("UPDATE meta SET value='" + std::string(text) + "' WHERE name='clock'").c_str());
    EXPECT_EQ(load(), std::nullopt) << text;
  }
}

TEST_F(ClockStoreTest, ANewFolderHasNone) { EXPECT_EQ(load(), std::nullopt); }

/// One that no run with a clock record has had.
struct NewestCase {
  std::string name, sql;
};
const std::vector<NewestCase> kNewestCases = {
    {"an_upload",
     "INSERT INTO outbox(id, event_json, bucket, key, created_ms, due_ms, attempts, trace)"
     " VALUES(9, '{}', 'b', x'61', 1000000, 9000000, 0, '')"},
    {"a_mail",
     "INSERT INTO ledger(sequencer, recipient, kind, bucket, key, message_id, created_ms, sent_ms,"
     " deadline_ms, reply, trace) VALUES('9', 'r', 'link', 'b', x'61', 'm', 1, 1000000, 9000000, '', '')"},
    {"a_dead_letter",
     "INSERT INTO dead_letters(id, event_json, bucket, key, created_ms, attempts, first_failure_ms, last_failure_ms,"
     " kind, message, recipient, reply, trace, removed_at_ms)"
     " VALUES(9, '{}', 'b', x'61', 1, 1, 1, 1000000, 'denied', '', '', '', '', 9000000)"},
    {"a_dropped_event",
     "INSERT INTO dropped(id, event_json, bucket, key, created_ms, attempts, dropped_ms, rule, message,"
     " trace) VALUES(9, '{}', 'b', x'61', 1, 0, 1000000, 'r', '', '')"},
    {"an_upload_in_parts",
     "INSERT INTO completed_uploads(number, upload_id, bucket, key, completed_ms)"
     " VALUES(9, 'u', 1, x'61', 1000000)"},
    {"a_request", "INSERT INTO access_log_journal(id, appended_ms, line_count, lines) VALUES(9, 1000000, 1, x'0a')"},
};
class NewestInstantTest : public ClockStoreTest, public testing::WithParamInterface<NewestCase> {};
TEST_P(NewestInstantTest, IsWhatTheLastRunKnew) {
  change(GetParam().sql.c_str());
  const Instant newest = from_unix_ms(1'000'000);
  EXPECT_EQ(load(), (ClockRecord{.newest = newest,
                                 .last = {.wall = newest, .since_boot = 0ms, .boot_id = ""},
                                 .trusted = newest,
                                 .in_step_since = 0ms,
                                 .proof = 15min}));
}
INSTANTIATE_TEST_SUITE_P(Table, NewestInstantTest, testing::ValuesIn(kNewestCases),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::sqlite_store
