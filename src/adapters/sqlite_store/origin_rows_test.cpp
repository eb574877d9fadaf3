// What tells commit numbers apart that two folders, or two lives of one folder, give out alike.
#include "adapters/sqlite_store/origin_rows.hpp"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "adapters/sqlite_store/backup.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "core/event/event_record.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

class OriginRowsTest : public StoreTest {
 protected:
  std::string add(std::string_view key) { return put_with_event(*store_, put_request(key)); }
  std::string origin_of(std::string_view sequencer) { return std::string(store_->origins().of(sequencer)); }

  std::int64_t change(const std::string& sql) {
    auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::writer, nullptr);
    EXPECT_TRUE(db);
    (*db)->script(sql.c_str());
    Query count = (*db)->query("SELECT count(*) FROM meta WHERE name LIKE 'origin/%'");
    EXPECT_TRUE(count.next());
    return count.integer(0);
  }
};

TEST_F(OriginRowsTest, TheSameNumbersOfTwoFoldersHaveDifferentOnes) {
  const auto sequencer = add("a");
  const TemporaryFolder other_folder;
  auto other = open_store(other_folder.path());
  ASSERT_TRUE(other);
  ASSERT_TRUE(run_sync((*other)->buckets().create_bucket(bucket_name(), at_second(1))));
  EXPECT_EQ(put_with_event(**other, put_request("a")), sequencer);
  EXPECT_EQ(origin_of(sequencer).size(), 32U);
  EXPECT_NE((*other)->origins().of(sequencer), origin_of(sequencer));
}

TEST_F(OriginRowsTest, WhatWaitsKeepsItsOwnOverAStart) {
  const auto before = add("a");
  const auto origin = origin_of(before);
  reopen();
  reopen();
  const auto after = add("b");
  EXPECT_EQ(origin_of(before), origin);
  EXPECT_NE(origin_of(after), origin);
}

TEST_F(OriginRowsTest, WhatWaitsOverAnUpgradeHasNone) {
  const auto before = add("a");
  store_.reset();
  change("DELETE FROM meta WHERE name LIKE 'origin/%'");
  reopen();
  EXPECT_EQ(origin_of(before), "") << "its Message-ID stays what it was";
  EXPECT_NE(origin_of(add("b")), "");
}

TEST_F(OriginRowsTest, ThoseThatNothingWaitsForAreRemoved) {
  put_bytes("a", "x");  // without an event
  for (int start = 0; start < 5; ++start) {
    reopen();
    put_bytes("a", "x");
  }
  store_.reset();
  EXPECT_EQ(change(""), 1);
  reopen();
  add("waits");
  for (int start = 0; start < 5; ++start) {
    reopen();
    put_bytes("a", "x");
  }
  store_.reset();
  EXPECT_EQ(change(""), 6);
}

/// A backup, and then uploads that it does not hold.
class RestoredNumbersTest : public OriginRowsTest {
 protected:
  void SetUp() override {
    OriginRowsTest::SetUp();
    pending_ = add("pending");
    pending_origin_ = origin_of(pending_);
    ASSERT_TRUE(back_up({.data_dir = folder_.path(), .target = target_.path() / "backup"}));
    for (int i = 0; i < 50; ++i) last_given_out_ = add("later");
  }
  std::unique_ptr<Store> restore(const fs::path& place, Instant now) const {
    fs::copy(target_.path() / "backup" / "s3link.db", place, fs::copy_options::overwrite_existing);
    auto store = open_store(place, {.now = [now] { return now; }});
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }

  TemporaryFolder target_;
  std::string pending_;
  std::string pending_origin_;
  std::string last_given_out_;
};

TEST_F(RestoredNumbersTest, GoOnAboveAllThatWereGivenOutWhateverTheClockSays) {
  for (const std::int64_t second : {1'800'000'000, 946'684'800, -5}) {
    const TemporaryFolder place(TemporaryFolder::Place::memory);
    const auto store = restore(place.path(), at_second(second));
    EXPECT_EQ(store->origins().of(pending_), pending_origin_) << "what waited then keeps its Message-ID";
    const auto next = put_with_event(*store, put_request("new"));
    EXPECT_GT(next, last_given_out_) << second;
    EXPECT_EQ(next.size(), last_given_out_.size());
  }
}

TEST_F(RestoredNumbersTest, StayAboveAfterAStartWithoutAWrite) {
  const TemporaryFolder place(TemporaryFolder::Place::memory);
  restore(place.path(), at_second(1'800'000'000)).reset();
  auto store = open_store(place.path(), {.now = [] { return at_second(0); }});
  ASSERT_TRUE(store);
  EXPECT_GT(put_with_event(**store, put_request("new")), last_given_out_);
}

TEST_F(RestoredNumbersTest, AreDistinctOverAThousandRestores) {
  std::set<std::uint64_t> numbers;
  std::set<std::pair<std::uint64_t, std::string>> identities;
  const TemporaryFolder place(TemporaryFolder::Place::memory);
  for (int i = 0; i < 1000; ++i) {
    fs::remove(place.path() / "s3link.db-wal");
    fs::remove(place.path() / "s3link.db-shm");
    fs::copy(target_.path() / "backup" / "s3link.db", place.path(), fs::copy_options::overwrite_existing);
    const auto db = Connection::open(place.path() / "s3link.db", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db);
    ASSERT_TRUE(prepare_schema(**db));
    // Every second one at the same instant as the one before: the numbers are the same, and the origin tells them
    // apart.
    const auto begun = begin_origin(**db, at_second(1'800'000'000 + i / 2));
    ASSERT_TRUE(begun);
    EXPECT_GT(event::sequencer_of(begun->next_number), last_given_out_);
    numbers.insert(begun->next_number);
    identities.emplace(begun->next_number, begun->origins.of(event::sequencer_of(begun->next_number)));
  }
  EXPECT_EQ(numbers.size(), 500U);
  EXPECT_EQ(identities.size(), 1000U);
}

}  // namespace
}  // namespace s3link::sqlite_store
