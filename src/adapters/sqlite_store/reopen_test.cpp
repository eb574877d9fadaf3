// What is there after a process ended without closing the store.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <map>
#include <sstream>
#include <thread>

#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

class ReopenTest : public StoreTest {
 protected:
  /// As a power cut would leave it, if all that was written had reached the disk. Reopens there.
  void cut() {
    const fs::path from = copied_.empty() ? folder_.path() : copied_;
    const fs::path copy = copies_.path() / std::to_string(++cuts_);
    fs::create_directories(copy);
    // The log first: were it written back meanwhile, it would only be written back again.
    for (const char* const name : {"s3link.db-wal", "s3link.db"}) fs::copy(from / name, copy / name);
    fs::copy(from / "objects", copy / "objects", fs::copy_options::recursive);
    copied_ = copy;
  }
  void open_copy() {
    store_.reset();
    auto opened = open_store(copied_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  std::size_t count_rows(const fs::path& data_dir, const char* sql) {
    sqlite3* raw = nullptr;
    EXPECT_EQ(sqlite3_open((data_dir / "s3link.db").c_str(), &raw), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(raw, sql, -1, &statement, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(statement), SQLITE_ROW);
    const auto count = static_cast<std::size_t>(sqlite3_column_int64(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(raw);
    return count;
  }

  TemporaryFolder copies_;
  fs::path copied_;
  int cuts_ = 0;
};

TEST_F(ReopenTest, AcknowledgedIsThereAndUnfinishedIsGone) {
  ASSERT_TRUE(put_bytes("small", "text"));
  ASSERT_TRUE(put_bytes("large", pattern(200'000)));
  auto unfinished = run_sync(write_body(buckets(), pattern(400'000)));
  ASSERT_TRUE(unfinished);
  EXPECT_EQ(count_body_files(folder_.path()), 2U);
  cut();
  unfinished->reset();
  open_copy();
  EXPECT_EQ(get_bytes("small"), "text");
  EXPECT_TRUE(get_bytes("large") == pattern(200'000));
  EXPECT_EQ(count_body_files(copied_), 1U);
}

TEST_F(ReopenTest, AbandonedBodyIsUnlinkedWithoutARestart) {
  {
    auto body = run_sync(write_body(buckets(), pattern(400'000)));
    ASSERT_TRUE(body);
    EXPECT_EQ(count_body_files(folder_.path()), 1U);
  }
  for (int i = 0; i < 200 && count_body_files(folder_.path()) > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(count_body_files(folder_.path()), 0U);
}

TEST_F(ReopenTest, CleanCloseLeavesNoFolderToLookThrough) {
  ASSERT_TRUE(put_bytes("large", pattern(200'000)));
  EXPECT_EQ(count_rows(folder_.path(), "SELECT count(*) FROM open_folders"), 1U);
  store_.reset();
  EXPECT_EQ(count_rows(folder_.path(), "SELECT count(*) FROM open_folders"), 0U);
  reopen();
  EXPECT_TRUE(get_bytes("large") == pattern(200'000));
}

TEST_F(ReopenTest, FilesOfRemovedObjectsThatWereStillThereGo) {
  ASSERT_TRUE(put_bytes("large", pattern(200'000)));
  ASSERT_TRUE(put_bytes("other", pattern(200'000)));
  auto reader = run_sync(buckets().open_object(bucket_name(), object_key("large")));
  ASSERT_TRUE(reader);
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("large")})));
  EXPECT_EQ(count_body_files(folder_.path()), 2U);  // the reader keeps it
  cut();
  reader->body.reset();
  open_copy();
  for (int i = 0; i < 200 && count_body_files(copied_) > 1; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(count_body_files(copied_), 1U);
  EXPECT_TRUE(get_bytes("other") == pattern(200'000));
}

TEST_F(ReopenTest, SequencersGoOnRising) {
  std::string last;
  for (int i = 0; i < 4; ++i) {
    const auto info = put_bytes("key", "x");
    ASSERT_TRUE(info);
    EXPECT_GT(info->sequencer, last);
    last = info->sequencer;
    cut();
    open_copy();
  }
}

TEST_F(ReopenTest, ManyFilesUseMoreThanOneFolder) {
  // Files of abandoned bodies count, too, and cost no commit.
  for (int i = 0; i < 1100; ++i) {
    auto body = run_sync(write_body(buckets(), std::string(16 * 1024 + 1, 'x')));
    ASSERT_TRUE(body) << body.error().message;
  }
  ASSERT_TRUE(put_bytes("large", pattern(20'000)));
  store_.reset();
  EXPECT_EQ(count_body_files(folder_.path()), 1U);
  EXPECT_EQ(count_rows(folder_.path(), "SELECT count(*) FROM open_folders"), 0U);
  reopen();
  EXPECT_TRUE(get_bytes("large") == pattern(20'000));
}

/// A child that writes until it is killed, and says what was acknowledged.
[[noreturn]] void write_until_killed(const fs::path& folder, int acknowledged) {
  auto store = open_store(folder);
  if (!store) ::_exit(1);
  for (std::uint32_t i = 0;; ++i) {
    const std::size_t size = i % 3 == 0 ? 70'000 : 500;
    const auto info = run_sync(put((*store)->buckets(), put_request("key" + std::to_string(i % 50)), pattern(size, i)));
    if (!info) ::_exit(1);
    const std::string line = std::to_string(i) + "\n";
    if (::write(acknowledged, line.data(), line.size()) < 0) ::_exit(1);
  }
}

TEST_F(ReopenTest, KilledProcessLosesNothingAcknowledged) {
  store_.reset();
  std::map<std::string, std::uint32_t> acknowledged;
  for (int round = 0; round < 5; ++round) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      write_until_killed(folder_.path(), ends[1]);
    }
    ::close(ends[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(150 + 70 * round));
    ::kill(child, SIGKILL);
    std::string text;
    std::array<char, 4096> piece{};
    for (ssize_t got = 0; (got = ::read(ends[0], piece.data(), piece.size())) > 0;)
      text.append(piece.data(), static_cast<std::size_t>(got));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));

    std::map<std::string, std::uint32_t> now = acknowledged;
    std::istringstream lines(text);
    std::uint32_t last = 0;
    for (std::uint32_t i = 0; lines >> i; last = i + 1) now["key" + std::to_string(i % 50)] = i;
    reopen();
    std::size_t files = 0;
    for (auto& [key, version] : now) {
      const auto got = get_bytes(key);
      ASSERT_TRUE(got) << key << " " << got.error().message;
      const auto is = [&](std::uint32_t i) { return *got == pattern(i % 3 == 0 ? 70'000 : 500, i); };
      // The write that was under way may have been committed without the answer having come.
      if (key == "key" + std::to_string(last % 50) && is(last)) version = last;
      EXPECT_TRUE(is(version)) << key;
      files += got->size() > 16 * 1024 ? 1 : 0;
    }
    const auto extra = get_bytes("key" + std::to_string(last % 50));
    if (extra && !now.contains("key" + std::to_string(last % 50))) {
      now["key" + std::to_string(last % 50)] = last;
      files += extra->size() > 16 * 1024 ? 1 : 0;
    }
    for (int i = 0; i < 200 && count_body_files(folder_.path()) > files; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(count_body_files(folder_.path()), files);
    acknowledged = now;
    store_.reset();
  }
}

}  // namespace
}  // namespace s3link::sqlite_store
