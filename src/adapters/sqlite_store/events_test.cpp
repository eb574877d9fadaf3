// Outbox, ledger, dead letters and dropped events as `s3link deliveries` shows them, and how long they are kept.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <chrono>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

using std::chrono::days;
using std::chrono::seconds;

class EventsTest : public StoreTest {
 protected:
  std::string add(std::string_view key, Instant when) {
    ports::PutObject request = put_request(key);
    request.modified = when;
    return put_with_event(*store_, std::move(request), "Root=1");
  }
  static std::int64_t id_of(const std::string& sequencer) {
    return static_cast<std::int64_t>(std::stoull(sequencer, nullptr, 16));
  }
  std::vector<ports::DeliveryRow> list(ports::DeliveryFilter filter = {}) {
    auto rows = run_sync(store_->deliveries().list(std::move(filter)));
    EXPECT_TRUE(rows);
    return rows ? std::move(*rows) : std::vector<ports::DeliveryRow>();
  }
  ports::LedgerEntry sent(const std::string& key, const std::string& sequencer, const std::string& recipient) {
    return {.key = {.bucket = "bucket", .key = key, .sequencer = sequencer, .recipient = recipient},
            .message_id = "<" + recipient + ">",
            .sent = t_ + seconds(3),
            .deadline = t_ + seconds(100),
            .reply = "250 2.0.0 Ok: queued"};
  }

  const Instant t_ = at_second(1'800'000'000);
};

TEST_F(EventsTest, EveryStateIsListedNewestFirst) {
  const auto dead = add("dead", t_);
  const auto dropped = add("dropped/", t_ + seconds(1));
  const auto delivered = add("delivered", t_ + seconds(2));
  const auto pending = add("pending", t_ + seconds(3));
  ASSERT_TRUE(run_sync(store_->outbox().take_due(t_ + seconds(10), {.total = 10, .retried = 10}, t_ + seconds(70))));
  ASSERT_TRUE(
      run_sync(store_->outbox().reschedule(id_of(dead), t_ + seconds(11), t_ + seconds(12), {"transient", "451"})));
  ASSERT_TRUE(run_sync(store_->outbox().give_up(id_of(dead), t_ + seconds(13), {"denied", "550 no such user"})));
  ASSERT_TRUE(run_sync(store_->outbox().drop(id_of(dropped), t_ + seconds(14), {"folder_marker", "a folder"})));
  ASSERT_TRUE(run_sync(store_->ledger().record_sent(sent("delivered", delivered, "a@example.org"))));
  ASSERT_TRUE(run_sync(store_->ledger().record_sent(sent("delivered", delivered, "b@example.org"))));
  ASSERT_TRUE(run_sync(store_->outbox().mark_delivered(id_of(delivered))));
  ASSERT_TRUE(run_sync(
      store_->outbox().reschedule(id_of(pending), t_ + seconds(15), t_ + seconds(20), {"transient", "no route"})));

  const auto rows = list();
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[0].state, "pending");
  EXPECT_EQ(rows[0].sequencer, pending);
  EXPECT_EQ(rows[0].attempts, 1U);
  EXPECT_EQ(rows[0].when, t_ + seconds(20));
  EXPECT_EQ(rows[0].detail, "transient: no route");
  EXPECT_EQ(rows[1].state, "delivered");
  EXPECT_EQ(rows[1].recipient, "a@example.org");
  EXPECT_EQ(rows[1].event_id, id_of(delivered));
  EXPECT_EQ(rows[1].message_id, "<a@example.org>");
  EXPECT_EQ(rows[1].detail, "250 2.0.0 Ok: queued");
  EXPECT_EQ(rows[1].created, t_ + seconds(2));
  EXPECT_EQ(rows[1].when, t_ + seconds(3));
  EXPECT_EQ(rows[1].deadline, t_ + seconds(100));
  EXPECT_EQ(rows[2].recipient, "b@example.org");
  EXPECT_EQ(rows[3].state, "dropped");
  EXPECT_EQ(rows[3].detail, "folder_marker: a folder");
  EXPECT_EQ(rows[4].state, "dead");
  EXPECT_EQ(rows[4].detail, "denied: 550 no such user");
  EXPECT_EQ(rows[4].attempts, 2U);
  EXPECT_EQ(rows[4].when, t_ + seconds(13));
  EXPECT_EQ(rows[4].created, t_);
  for (const auto& row : rows) EXPECT_EQ(row.trace, "Root=1") << row.state;
}

TEST_F(EventsTest, FiltersNarrowTheList) {
  const auto one = add("one", t_);
  const auto two = add("two", t_);
  const auto again = add("one", t_);
  const auto sequencers = [&](ports::DeliveryFilter filter) {
    std::vector<std::string> out;
    for (const auto& row : list(std::move(filter))) out.push_back(row.sequencer);
    return out;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(sequencers({.state = {}, .bucket = {}, .key = "one", .sequencer = {}}), (Names{again, one}));
  EXPECT_EQ(sequencers({.state = {}, .bucket = {}, .key = {}, .sequencer = two}), (Names{two}));
  EXPECT_EQ(sequencers({.state = {}, .bucket = "other", .key = {}, .sequencer = {}}), (Names{}));
  EXPECT_EQ(sequencers({.state = {}, .bucket = "bucket", .key = {}, .sequencer = {}, .limit = 2}), (Names{again, two}));
  EXPECT_EQ(sequencers({.state = "pending", .bucket = {}, .key = {}, .sequencer = {}}), (Names{again, two, one}));
  EXPECT_EQ(sequencers({.state = "dead", .bucket = {}, .key = {}, .sequencer = {}}), (Names{}));
  EXPECT_EQ(sequencers({.state = {}, .bucket = {}, .key = {}, .sequencer = "no sequencer"}), (Names{}));
}

TEST_F(EventsTest, HistoryIsKeptForItsTimeAndNoLonger) {
  const auto dropped = add("dropped", t_);
  const auto dead = add("dead", t_);
  ASSERT_TRUE(run_sync(store_->outbox().drop(id_of(dropped), t_, {"rule", "text"})));
  ASSERT_TRUE(run_sync(store_->outbox().give_up(id_of(dead), t_, {"denied", "text"})));
  ASSERT_TRUE(run_sync(store_->ledger().record_sent(sent("k", "0000000000000001", "a@b"))));
  const auto count_after = [&](days age) {
    EXPECT_TRUE(run_sync(buckets().remove_expired(t_ + age, 10)));
    return list().size();
  };
  EXPECT_EQ(count_after(days(13)), 3U);
  EXPECT_EQ(count_after(days(15)), 2U);  // not dropped
  EXPECT_EQ(count_after(days(89)), 2U);
  EXPECT_EQ(count_after(days(91)), 1U);  // nor in the ledger
  EXPECT_EQ(list().front().state, "dead");
  EXPECT_FALSE(*run_sync(store_->ledger().contains(sent("k", "0000000000000001", "a@b").key)));
}

TEST_F(EventsTest, CompletedUploadIsForgottenAfterADay) {
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
                                       .event = {},
                                       .condition = {}};
  ASSERT_TRUE(run_sync(buckets().complete_upload(complete)));
  ASSERT_TRUE(run_sync(buckets().remove_expired(t_ + std::chrono::hours(23), 10)));
  EXPECT_TRUE(run_sync(buckets().complete_upload(complete)));
  ASSERT_TRUE(run_sync(buckets().remove_expired(t_ + std::chrono::hours(25), 10)));
  EXPECT_EQ(run_sync(buckets().complete_upload(complete)).error().code, "NoSuchUpload");
}

/// The statements whose speed must not depend on how much is stored.
const std::vector<std::string> kIndexedStatements = {
    "SELECT 1 FROM outbox WHERE (first_failure_ms IS NOT NULL)=?1 AND due_ms<=?2 LIMIT 1",
    "SELECT id, event_json FROM outbox WHERE (first_failure_ms IS NOT NULL)=?1 AND due_ms<=?2 ORDER BY due_ms, id "
    "LIMIT ?3",
    "SELECT due_ms FROM outbox WHERE (first_failure_ms IS NOT NULL)=?1 ORDER BY due_ms, id LIMIT 1",
    "SELECT value FROM counters WHERE name='outbox'",
    "SELECT number FROM attempts WHERE event=?1 ORDER BY number DESC LIMIT 1",
    "DELETE FROM attempts WHERE event=?1 AND number<=?2",
    "SELECT id FROM dead_letters WHERE kind=?3 AND id<?1 ORDER BY id DESC LIMIT ?2",
    "SELECT id FROM dead_letters WHERE last_failure_ms<?1 ORDER BY last_failure_ms LIMIT ?2",
    "SELECT kind, count(*) FROM dead_letters GROUP BY kind",
    "SELECT id FROM dropped WHERE dropped_ms<?1 ORDER BY dropped_ms LIMIT ?2",
    "UPDATE outbox SET due_ms=leased_due_ms, leased_due_ms=NULL WHERE leased_due_ms IS NOT NULL",
    "SELECT bucket, key FROM objects WHERE removed_at_ms IS NOT NULL AND removed_at_ms<=?1 ORDER BY removed_at_ms "
    "LIMIT ?2",
    "SELECT removed_at_ms FROM objects WHERE removed_at_ms IS NOT NULL ORDER BY removed_at_ms LIMIT 1",
    "SELECT key FROM objects WHERE bucket=?1 AND key>=?2 AND key<?3 ORDER BY key",
    "SELECT 1 FROM bodies WHERE small IS NULL AND id=?1",
    "SELECT b.id, s.sealed FROM bodies b LEFT JOIN small_bodies s ON s.id=b.small WHERE b.body_set=?1 ORDER BY b.part",
    "SELECT 1 FROM ledger WHERE sequencer=?1 AND recipient=?2 AND kind=?3 AND bucket=?4 AND key=?5",
    "SELECT id FROM garbage WHERE id>?1 ORDER BY id LIMIT ?2",
    "SELECT key, modified_ms, removed_at_ms, removal_rule FROM objects WHERE bucket=?1 AND key>?2 ORDER BY key"
    " LIMIT ?3",
    "SELECT key, upload_id, initiated_ms FROM uploads WHERE bucket=?1 AND (key, upload_id)>(?2, ?3)"
    " ORDER BY key, upload_id LIMIT ?4",
    "SELECT bucket, key, upload_id, body_set FROM uploads WHERE abort_at_ms<=?1 ORDER BY abort_at_ms LIMIT ?2",
    "SELECT min(abort_days) FROM lifecycle_rules WHERE bucket=?1 AND enabled AND substr(?2, 1, length(prefix))=prefix",
};

TEST_F(EventsTest, StatementsOfTheHotPathsUseAnIndex) {
  const TemporaryFolder other;
  auto db = Connection::open(other.path() / "s3link.db", Connection::Mode::writer, nullptr);
  ASSERT_TRUE(db);
  add_test_seals(**db);
  ASSERT_TRUE(prepare_schema(**db));
  for (const std::string& sql : kIndexedStatements) {
    SCOPED_TRACE(sql);
    const std::string explain = "EXPLAIN QUERY PLAN " + sql;
    sqlite3_stmt* statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2((*db)->handle(), explain.c_str(), -1, &statement, nullptr), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
      const std::string step = reinterpret_cast<const char*>(sqlite3_column_text(statement, 3));
      EXPECT_EQ(step.find("TEMP B-TREE"), std::string::npos) << step;
      EXPECT_TRUE(step.find("SEARCH") != std::string::npos || step.find("USING INDEX") != std::string::npos ||
                  step.find("USING COVERING INDEX") != std::string::npos)
          << step;
    }
    sqlite3_finalize(statement);
  }
}

}  // namespace
}  // namespace s3link::sqlite_store
