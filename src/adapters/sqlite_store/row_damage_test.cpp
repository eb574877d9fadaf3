// Rows that were altered, exchanged or moved, by damage or by somebody who has the folder and not the master key: an
// error that names what is damaged, or the right answer; the others are not disturbed; and how older databases get
// their seals.
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "adapters/sqlite_store/backup_verify.hpp"
#include "adapters/sqlite_store/faulty_vfs_test.hpp"
#include "adapters/sqlite_store/sealed_rows.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr std::int64_t kNow = 1'700'000'000;

class RowDamageTest : public StoreTest {
 protected:
  void SetUp() override {
    open_at(at_second(kNow));
    ASSERT_TRUE(run_sync(buckets().create_bucket(bucket_name(), at_second(1))));
    ASSERT_TRUE(run_sync(buckets().create_bucket(bucket_name("other"), at_second(2))));
    ASSERT_TRUE(put_at("a/one", contents_[0], at_second(kNow) + hours(1)));
    ASSERT_TRUE(put_at("a/two", contents_[1], at_second(kNow) + hours(2)));
    ASSERT_TRUE(put_at("small one", contents_[2], at_second(kNow) + hours(3)));
    ASSERT_TRUE(put_at("small two", contents_[3], std::nullopt));
    for (const char* const key : {"up one", "up two"}) {
      ASSERT_TRUE(run_sync(buckets().create_upload(bucket_name(), {.upload_id = std::string("id of ") + key,
                                                                   .key = object_key(key),
                                                                   .initiated = at_second(kNow),
                                                                   .headers = {},
                                                                   .checksum_algorithm = "CRC32",
                                                                   .checksum_composite = true})));
      auto body = run_sync(write_body(buckets(), std::string(key)));
      ASSERT_TRUE(body);
      ASSERT_TRUE(run_sync(buckets().put_part(bucket_name(), object_key(key), std::string("id of ") + key, 1,
                                              std::nullopt, at_second(kNow), std::move(*body))));
    }
    ASSERT_TRUE(run_sync(buckets().put_lifecycle(
        bucket_name(), {{.id = "r", .prefix = "no/", .expiration = std::chrono::days(5), .abort_upload = {}}})));
  }

  void open_at(Instant now) {
    StoreHooks hooks;
    hooks.now = [now] { return now; };
    reopen(hooks);
  }
  Result<ports::ObjectInfo> put_at(std::string_view key, const std::string& bytes, std::optional<Instant> removed_at) {
    ports::PutObject request = put_request(key);
    request.modified = at_second(kNow);
    request.removed_at = removed_at;
    request.headers.content_type = "text/" + std::string(1, key.back());
    request.checksum = {.algorithm = "CRC32", .value = "AAAAAA==", .composite = false};
    return run_sync(put(buckets(), std::move(request), bytes));
  }

  Connection& edit() {
    store_.reset();
    auto opened = Connection::open(folder_.path() / "s3link.db", Connection::Mode::writer, nullptr);
    EXPECT_TRUE(opened);
    editor_ = std::move(*opened);
    return *editor_;
  }
  void edit_database(const std::string& sql) {
    edit().script(sql.c_str());
    EXPECT_TRUE(editor_->ok()) << editor_->error().message << ": " << sql;
    editor_.reset();
    open_at(at_second(kNow));
  }
  void save() {
    store_.reset();
    fs::copy_file(folder_.path() / "s3link.db", folder_.path() / "saved", fs::copy_options::overwrite_existing);
    open_at(at_second(kNow));
  }
  void restore() {
    store_.reset();
    for (const char* const suffix : {"-wal", "-shm"}) fs::remove(folder_.path() / (std::string("s3link.db") + suffix));
    fs::copy_file(folder_.path() / "saved", folder_.path() / "s3link.db", fs::copy_options::overwrite_existing);
    open_at(at_second(kNow));
  }

  void expect_damaged(const std::string& key) {
    const auto head = run_sync(buckets().head_object(bucket_name(), object_key(key)));
    EXPECT_FALSE(head) << key;
    if (!head) {
      EXPECT_EQ(head.error().kind, ErrorKind::corrupt) << head.error().message;
      EXPECT_TRUE(head.error().message.contains("bucket/" + key)) << head.error().message;
      EXPECT_TRUE(head.error().message.contains("restore it from a backup")) << head.error().message;
    }
    expect_unreadable(key);
  }
  void expect_unreadable(const std::string& key) {
    const auto got = get_bytes(key);
    EXPECT_FALSE(got) << key;
    if (!got) EXPECT_TRUE(got.error().kind == ErrorKind::corrupt || got.error().kind == ErrorKind::not_found);
  }
  /// Rows, with right seals, say a later removal than the index on it does.
  void delay_behind_the_index(hours time) {
    std::int64_t page = 0;
    std::string index;
    {
      Query row = edit().query("SELECT rootpage, sql FROM sqlite_schema WHERE name='objects_by_removal'");
      ASSERT_TRUE(row.next());
      page = row.integer(0);
      index = row.text(1);
    }
    edit().script("PRAGMA writable_schema=ON; DELETE FROM sqlite_schema WHERE name='objects_by_removal'");
    Connection& without = edit();
    add_test_seals(without);
    without.run(sql<"UPDATE objects SET removed_at_ms=removed_at_ms+?1">(), std::chrono::milliseconds(time).count());
    without.run(sql<"UPDATE objects SET seal=row_seal('object', ", kNameOfBucket, ", ", kObjectColumns, ")">());
    without.script("PRAGMA writable_schema=ON");
    without.run("INSERT INTO sqlite_schema VALUES('index', 'objects_by_removal', 'objects', ?1, ?2)", page, index);
    ASSERT_TRUE(without.ok()) << without.error().message;
    editor_.reset();
    open_at(at_second(kNow));
  }
  std::uint64_t damages() {
    store_.reset();
    const auto report = verify_backup(folder_.path(), test_master_key());
    EXPECT_TRUE(report) << report.error().message;
    open_at(at_second(kNow));
    return report ? report->damages : 0;
  }
  void expect_all() {
    EXPECT_EQ(get_bytes("a/one").value_or("unreadable"), contents_[0]);
    EXPECT_EQ(get_bytes("a/two").value_or("unreadable"), contents_[1]);
    EXPECT_EQ(get_bytes("small one").value_or("unreadable"), contents_[2]);
    EXPECT_EQ(get_bytes("small two").value_or("unreadable"), contents_[3]);
    const auto page = run_sync(buckets().list_objects(all_objects()));
    ASSERT_TRUE(page) << page.error().message;
    EXPECT_EQ(page->objects.size(), 4U);
    EXPECT_TRUE(run_sync(buckets().list_buckets()));
    EXPECT_TRUE(run_sync(buckets().lifecycle(bucket_name())));
    for (const char* const key : {"up one", "up two"})
      EXPECT_TRUE(run_sync(buckets().list_parts(bucket_name(), object_key(key), std::string("id of ") + key, 0, 10)));
  }

  std::unique_ptr<Connection> editor_;
  // Of the same size, so that nothing but the seals tells them apart.
  const std::vector<std::string> contents_ = {pattern(100'000, 1), pattern(100'000, 2), "aaaa", "bbbb"};
};

constexpr const char* kOne = " WHERE key=CAST('a/one' AS BLOB)";

/// Exchanges those columns between the rows of two keys.
std::string exchange(const std::string& table, const std::string& key, const std::string& one, const std::string& two,
                     const std::vector<std::string>& columns) {
  std::string set;
  for (const std::string& column : columns)
    set += (set.empty() ? "" : ", ") + column + "=(SELECT " + column + " FROM temp.t WHERE t." + key + "<>" + table +
           "." + key + ")";
  const std::string where = " WHERE " + key + " IN (" + one + ", " + two + ")";
  return "CREATE TEMP TABLE t AS SELECT * FROM " + table + where + "; UPDATE " + table + " SET " + set + where;
}

std::string as_key(const std::string& key) { return "CAST('" + key + "' AS BLOB)"; }

TEST_F(RowDamageTest, EachColumnOfAnObjectIsUnderItsSeal) {
  save();
  for (const char* const change :
       {"number=number+1", "body_set=body_set+1", "size=size-1", "etag='e'", "modified_ms=modified_ms+1",
        "removed_at_ms=removed_at_ms+1", "removed_at_ms=NULL", "headers='{\"content_type\": \"text/html\"}'",
        "headers=NULL", "checksum_algorithm='SHA1'", "checksum_value='BBBBBB=='", "checksum_composite=1",
        "checksum_algorithm=NULL", "sha256=zeroblob(32)", "sha256=NULL", "parts=1", "removal_rule='r'",
        "seal=zeroblob(16)", "seal=NULL"}) {
    SCOPED_TRACE(change);
    edit_database(std::string("UPDATE objects SET ") + change + kOne);
    expect_damaged("a/one");
    EXPECT_FALSE(run_sync(buckets().list_objects(all_objects())));
    EXPECT_EQ(get_bytes("a/two").value_or("unreadable"), contents_[1]);
    EXPECT_GT(damages(), 0U);
    restore();
  }
  expect_all();
  EXPECT_EQ(damages(), 0U);
}

TEST_F(RowDamageTest, WhatIsExchangedBetweenObjectsIsNoticed) {
  save();
  const std::string one = as_key("a/one");
  const std::string two = as_key("a/two");
  const std::string sets =
      "(SELECT body_set FROM objects WHERE key=" + one + "), (SELECT body_set FROM objects WHERE key=" + two + ")";
  const std::string first = sets.substr(0, sets.find("), (") + 1);
  const std::string second = sets.substr(sets.find("), (") + 3);
  for (const std::string& sql :
       {exchange("objects", "key", one, two, {"body_set"}),
        exchange("objects", "key", one, two, {"number", "body_set", "size", "etag", "sha256", "seal"}),
        "UPDATE objects SET key=" + as_key("x") + kOne + "; UPDATE objects SET key=" + one + " WHERE key=" + two +
            "; UPDATE objects SET key=" + two + " WHERE key=" + as_key("x"),
        exchange("bodies", "body_set", first, second, {"wrapped_key", "size", "seal"}),
        "UPDATE bodies SET body_set=-1 WHERE body_set=" + first + "; UPDATE bodies SET body_set=" + first +
            " WHERE body_set=" + second + "; UPDATE bodies SET body_set=" + second + " WHERE body_set=-1"}) {
    SCOPED_TRACE(sql);
    edit_database(sql);
    expect_unreadable("a/one");
    expect_unreadable("a/two");
    EXPECT_EQ(get_bytes("small one").value_or("unreadable"), contents_[2]);
    EXPECT_GT(damages(), 0U);
    restore();
  }
  expect_all();
}

TEST_F(RowDamageTest, ARowIsGoodUnderItsKeyAndBucketOnly) {
  save();
  edit_database("CREATE TEMP TABLE t AS SELECT * FROM objects WHERE key=" + as_key("a/one") +
                "; UPDATE t SET key=" + as_key("copy") + "; INSERT INTO objects SELECT * FROM t");
  expect_damaged("copy");
  restore();
  edit_database("UPDATE objects SET bucket=(SELECT id FROM buckets WHERE name='other')" + std::string(kOne));
  EXPECT_EQ(run_sync(buckets().head_object(bucket_name("other"), object_key("a/one"))).error().kind,
            ErrorKind::corrupt);
  restore();
  edit_database(
      "UPDATE buckets SET name='x' WHERE name='bucket'; UPDATE buckets SET name='bucket' WHERE name='other';"
      "UPDATE buckets SET name='other' WHERE name='x'");
  EXPECT_EQ(run_sync(buckets().head_object(bucket_name("other"), object_key("a/one"))).error().kind,
            ErrorKind::corrupt);
  EXPECT_EQ(run_sync(buckets().list_buckets()).error().kind, ErrorKind::corrupt);
  restore();
  edit_database("UPDATE buckets SET created_ms=7 WHERE name='bucket'");
  EXPECT_EQ(run_sync(buckets().list_buckets()).error().kind, ErrorKind::corrupt);
  EXPECT_EQ(run_sync(buckets().head_bucket(bucket_name())).error().kind, ErrorKind::corrupt);
}

TEST_F(RowDamageTest, EachColumnOfABodyIsUnderItsSeal) {
  save();
  for (const char* const change : {"part=2", "id=zeroblob(16)", "size=99999", "wrapped_key=zeroblob(60)", "small=1",
                                   "md5=zeroblob(16)", "modified_ms=1", "checksum_algorithm='CRC32'", "seal=NULL"}) {
    SCOPED_TRACE(change);
    edit_database(std::string("UPDATE bodies SET ") + change + " WHERE body_set=(SELECT body_set FROM objects" + kOne +
                  ")");
    expect_unreadable("a/one");
    EXPECT_EQ(get_bytes("a/two").value_or("unreadable"), contents_[1]);
    EXPECT_GT(damages(), 0U);
    restore();
  }
}

TEST_F(RowDamageTest, UploadsPartsAndRulesAreUnderTheirSeals) {
  save();
  const std::string of_one = " WHERE key=" + as_key("up one");
  const auto parts = [&] {
    return run_sync(buckets().list_parts(bucket_name(), object_key("up one"), "id of up one", 0, 10));
  };
  for (const char* const change : {"body_set=body_set+1", "initiated_ms=1", "headers='{}'", "checksum_algorithm='SHA1'",
                                   "checksum_composite=0", "abort_at_ms=abort_at_ms+1", "seal=NULL"}) {
    SCOPED_TRACE(change);
    edit_database(std::string("UPDATE uploads SET ") + change + of_one);
    EXPECT_EQ(parts().error().kind, ErrorKind::corrupt);
    EXPECT_FALSE(run_sync(buckets().list_uploads(all_uploads())));
    EXPECT_GT(damages(), 0U);
    EXPECT_TRUE(run_sync(buckets().abort_upload(bucket_name(), object_key("up one"), "id of up one")));
    EXPECT_TRUE(run_sync(buckets().list_parts(bucket_name(), object_key("up two"), "id of up two", 0, 10)));
    restore();
  }
  for (const char* const change : {"size=9", "md5=zeroblob(16)", "modified_ms=1", "checksum_value='x'"}) {
    SCOPED_TRACE(change);
    edit_database(std::string("UPDATE bodies SET ") + change + " WHERE body_set=(SELECT body_set FROM uploads" +
                  of_one + ")");
    EXPECT_EQ(parts().error().kind, ErrorKind::corrupt);
    restore();
  }
  for (const char* const change : {"position=3", "id='x'", "enabled=1-enabled", "prefix=CAST('a/' AS BLOB)",
                                   "prefix_in_filter=1-prefix_in_filter", "expiration_days=9", "abort_days=9"}) {
    SCOPED_TRACE(change);
    edit_database(std::string("UPDATE lifecycle_rules SET ") + change);
    EXPECT_EQ(run_sync(buckets().lifecycle(bucket_name())).error().kind, ErrorKind::corrupt);
    EXPECT_GT(damages(), 0U);
    restore();
  }
  expect_all();
}

TEST_F(RowDamageTest, DamagedAccessLogLinesAreLeftOutAndTold) {
  ports::AccessLogJournal& journal = store_->access_log_journal();
  ASSERT_TRUE(run_sync(journal.append({.text = "first\n", .count = 1}, at_second(kNow))));
  ASSERT_TRUE(run_sync(journal.append({.text = "second\n", .count = 1}, at_second(kNow))));
  edit_database(
      "UPDATE access_log_journal SET lines=CAST('forged' AS BLOB) WHERE lines=CAST('first' || char(10) AS BLOB)");
  const auto publish = [&](const char* key) {
    return run_sync(store_->access_log_journal().publish(
        {.bucket = bucket_name(), .key = object_key(key), .removed_at = {}}, at_second(kNow), 100, 1000));
  };
  const auto published = publish("log");
  ASSERT_TRUE(published) << published.error().message;
  EXPECT_EQ(published->lines, 1U);
  EXPECT_EQ(published->damaged, 1U);
  ASSERT_TRUE(run_sync(store_->access_log_journal().append({.text = "third\n", .count = 1}, at_second(kNow))));
  edit_database("UPDATE access_log_journal SET line_count=2");
  const auto none = publish("log 2");
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->lines, 0U);
  EXPECT_EQ(none->damaged, 1U);
  EXPECT_EQ(run_sync(store_->access_log_journal().waiting())->lines, 0U);
}

TEST_F(RowDamageTest, ADamagedObjectCanBeReplacedAndRemovedAndTakesNothingOfOthersAlong) {
  save();
  // What it says it has is another's.
  const std::string stolen =
      "UPDATE objects SET body_set=(SELECT body_set FROM objects WHERE key=" + as_key("a/two") + ")" + kOne;
  edit_database(stolen);
  ASSERT_TRUE(put_at("a/one", "new", std::nullopt));
  EXPECT_EQ(get_bytes("a/one").value_or("unreadable"), "new");
  EXPECT_EQ(get_bytes("a/two").value_or("unreadable"), contents_[1]);
  restore();
  edit_database(stolen);
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("a/one")})));
  EXPECT_EQ(run_sync(buckets().head_object(bucket_name(), object_key("a/one"))).error().kind, ErrorKind::not_found);
  EXPECT_EQ(get_bytes("a/two").value_or("unreadable"), contents_[1]);
  restore();
  edit_database("UPDATE uploads SET body_set=(SELECT body_set FROM objects WHERE key=" + as_key("a/two") +
                ") WHERE key=" + as_key("up one"));
  EXPECT_EQ(*run_sync(buckets().abort_old_uploads(at_second(kNow) + hours(24 * 8), 10)), 2U);
  EXPECT_EQ(get_bytes("a/two").value_or("unreadable"), contents_[1]);
  restore();
  // The content's row points to another's.
  edit_database(
      "UPDATE bodies SET small=(SELECT b.small FROM bodies b JOIN objects o ON o.body_set=b.body_set WHERE o.key=" +
      as_key("small two") + ") WHERE body_set=(SELECT body_set FROM objects WHERE key=" + as_key("small one") + ")");
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("small one")})));
  EXPECT_EQ(get_bytes("small two").value_or("unreadable"), contents_[3]);
}

TEST_F(RowDamageTest, ADamagedObjectGoesAtItsTimeAndKeepsNoOtherFromIt) {
  edit_database(std::string("UPDATE objects SET etag='e'") + kOne);
  EXPECT_EQ(*run_sync(buckets().remove_expired(at_second(kNow) + hours(2), 100)), 2U);
  EXPECT_EQ(get_bytes("small one").value_or("unreadable"), contents_[2]);
  EXPECT_EQ(run_sync(buckets().list_objects(all_objects()))->objects.size(), 2U);
}

TEST_F(RowDamageTest, AnIndexThatIsDamagedRemovesNothingBeforeItsTimeAndIsRebuilt) {
  delay_behind_the_index(hours(2));
  EXPECT_EQ(*run_sync(buckets().remove_expired(at_second(kNow) + hours(2), 100)), 0U);
  EXPECT_EQ(get_bytes("a/one").value_or("unreadable"), contents_[0]);
  EXPECT_EQ(*run_sync(buckets().next_removal()), at_second(kNow) + hours(3)) << "by the rows again";
  EXPECT_EQ(*run_sync(buckets().remove_expired(at_second(kNow) + hours(4), 100)), 2U);
  EXPECT_EQ(get_bytes("small one").value_or("unreadable"), contents_[2]);
  EXPECT_EQ(damages(), 0U);
}

TEST_F(RowDamageTest, AnIndexThatIsDamagedIsRebuiltWhenAWriteMeetsIt) {
  delay_behind_the_index(hours(2));
  const auto failed = run_sync(buckets().delete_objects(bucket_name(), {object_key("a/one")}));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::corrupt);
  EXPECT_TRUE(store_->buckets().writable());
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("a/one")})));
  EXPECT_EQ(get_bytes("a/two").value_or("unreadable"), contents_[1]);
  EXPECT_EQ(damages(), 0U);
}

TEST_F(RowDamageTest, ADatabaseOfVersion4GetsItsSeals) {
  store_.reset();
  make_version_4(folder_.path());
  open_at(at_second(kNow));
  expect_all();
  EXPECT_EQ(damages(), 0U);
  edit_database(std::string("UPDATE objects SET etag='e'") + kOne);
  expect_damaged("a/one");
}

TEST_F(RowDamageTest, AMigrationThatFailsAnywhereIsBegunAnew) {
  store_.reset();
  make_version_4(folder_.path());
  fs::copy_file(folder_.path() / "s3link.db", folder_.path() / "saved");
  const auto attempt = [&](FaultyVfs::Fault fault, int chosen) {
    for (const char* const suffix : {"-wal", "-shm"}) fs::remove(folder_.path() / (std::string("s3link.db") + suffix));
    fs::copy_file(folder_.path() / "saved", folder_.path() / "s3link.db", fs::copy_options::overwrite_existing);
    const FaultyVfs vfs(fault, chosen);
    StoreHooks hooks;
    hooks.sqlite_vfs = FaultyVfs::name();
    (void)open_store(folder_.path(), hooks);
    return FaultyVfs::calls();
  };
  const int calls = attempt(FaultyVfs::Fault::none, 0);
  ASSERT_GT(calls, 5);
  for (const auto fault : {FaultyVfs::Fault::full_once, FaultyVfs::Fault::io_onwards, FaultyVfs::Fault::sync_once}) {
    for (int chosen = 0; chosen < calls; ++chosen) {
      SCOPED_TRACE(testing::Message() << "fault " << static_cast<int>(fault) << " at call " << chosen);
      attempt(fault, chosen);
      open_at(at_second(kNow));
      expect_all();
      store_.reset();
    }
  }
}

TEST_F(RowDamageTest, ADatabaseWithSealsIsNotTakenForAnOlderOne) {
  // Without the master key nobody can have altered rows sealed by a migration.
  store_.reset();
  save();
  for (const char* const forged :
       {"PRAGMA user_version=4", "PRAGMA user_version=4; DELETE FROM meta WHERE name='key_check'",
        "PRAGMA user_version=4; UPDATE meta SET value=zeroblob(60) WHERE name='key_check'",
        "DELETE FROM meta WHERE name='key_check'"}) {
    SCOPED_TRACE(forged);
    edit().script(
        "ALTER TABLE buckets DROP COLUMN seal; ALTER TABLE objects DROP COLUMN seal; ALTER TABLE bodies DROP COLUMN "
        "seal;"
        "ALTER TABLE uploads DROP COLUMN seal; ALTER TABLE lifecycle_rules DROP COLUMN seal;"
        "ALTER TABLE access_log_journal DROP COLUMN seal;");
    editor_->script(forged);
    EXPECT_TRUE(editor_->ok());
    editor_.reset();
    EXPECT_EQ(open_store(folder_.path()).error().kind, ErrorKind::denied);
    EXPECT_EQ(verify_backup(folder_.path(), test_master_key()).error().kind, ErrorKind::denied);
    restore();
  }
  edit().script("UPDATE meta SET value=3 WHERE name='next_number'");
  editor_.reset();
  EXPECT_EQ(open_store(folder_.path()).error().kind, ErrorKind::corrupt) << "numbers would be given out again";
}

}  // namespace
}  // namespace s3link::sqlite_store
