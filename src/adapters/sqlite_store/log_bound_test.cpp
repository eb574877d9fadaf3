// How large the database's log becomes, whatever readers do.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "adapters/sqlite_store/checkpointer.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "support/fake_logger.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

constexpr int kPagesToWriteBack = 60;
constexpr std::uint64_t kFrameBytes = 4096 + 24;
constexpr int kWriters = 8;
/// More than one put adds to the log: an inline body, its rows, indexes.
constexpr std::uint64_t kMostOfOnePut = 30 * kFrameBytes;

std::uint64_t limit(int times) { return static_cast<std::uint64_t>(times * kPagesToWriteBack) * kFrameBytes; }

class LogBoundTest : public testing::Test {
 protected:
  void SetUp() override {
    auto opened =
        Store::open({.data_dir = folder_.path(), .master_key = test_master_key(), .region = "x", .logger = &logger_},
                    {.files = nullptr, .sqlite_vfs = nullptr, .now = {}, .log_pages_to_write_back = kPagesToWriteBack});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
    ASSERT_TRUE(run_sync(store_->buckets().create_bucket(bucket_name(), at_second(1))));
  }
  fs::path database() const { return folder_.path() / "s3link.db"; }
  std::uint64_t log_bytes() const { return fs::file_size(database().string() + "-wal"); }
  Status put_one(const std::string& key) {
    const auto done = run_sync(put(store_->buckets(), put_request(key), pattern(8000)));
    if (!done) return std::unexpected(done.error());
    return {};
  }
  bool comes_true(const std::function<bool()>& condition) {
    for (int i = 0; i < 4000 && !condition(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return condition();
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  test_support::FakeLogger logger_;
  std::unique_ptr<Store> store_;
};

TEST_F(LogBoundTest, ConstantCommitsAndShortReadsDoNotLetItGrow) {
  std::atomic<std::uint64_t> largest = 0;
  std::atomic<int> left = kWriters;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < kWriters; ++writer) {
    threads.emplace_back([&, writer] {
      for (int i = 0; i < 250; ++i) EXPECT_TRUE(put_one(std::to_string(writer) + "/" + std::to_string(i)));
      --left;
    });
  }
  while (left > 0) {
    EXPECT_TRUE(run_sync(store_->buckets().list_objects(all_objects())));
    largest = std::max<std::uint64_t>(largest, log_bytes());
  }
  for (std::thread& thread : threads) thread.join();
  // Some reads may be under way when it is to be cut: the next commit tries again.
  EXPECT_LT(largest, limit(Checkpointer::kTimesToPress));
  EXPECT_GT(largest, limit(1)) << "it was used";
}

TEST_F(LogBoundTest, AReaderThatDoesNotEndStopsUploadsThenAllWritesAndWhenItEndsAllGoesOn) {
  std::string first_error;
  {
    auto reader = Connection::open(database(), Connection::Mode::reader, nullptr);
    ASSERT_TRUE(reader);
    (*reader)->script("BEGIN");
    Query read = (*reader)->query("SELECT count(*) FROM objects");
    ASSERT_TRUE(read.next());
    Status done;
    for (int i = 0; i < 10'000 && store_->buckets().writable(); ++i)
      ASSERT_TRUE(put_one("before/" + std::to_string(i)));
    EXPECT_EQ(store_->buckets().writable().error().code, "SlowDown");
    EXPECT_LT(log_bytes(), limit(Checkpointer::kTimesToRefuseUploads) + kMostOfOnePut);
    EXPECT_EQ(store_->meter().log_held, 1U);
    // What does not ask before it writes, such as what was mailed.
    for (int i = 0; i < 10'000 && done; ++i) done = put_one("after/" + std::to_string(i));
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, "SlowDown");
    EXPECT_LT(log_bytes(), limit(Checkpointer::kTimesToRefuseAll) + kMostOfOnePut);
    EXPECT_FALSE(put_one("more"));
  }
  EXPECT_TRUE(comes_true([&] { return store_->buckets().writable().has_value(); }));
  EXPECT_TRUE(put_one("again"));
  EXPECT_TRUE(comes_true([&] { return log_bytes() == 0; })) << "cut";
  EXPECT_EQ(store_->meter().log_held, 0U);
  store_.reset();
  ASSERT_EQ(logger_.lines.size(), 3U);
  EXPECT_TRUE(logger_.lines[0].starts_with("database's log cannot be cut")) << logger_.lines[0];
  EXPECT_TRUE(logger_.lines[1].starts_with("uploads refused")) << logger_.lines[1];
  EXPECT_TRUE(logger_.lines[2].starts_with("database's log cut again")) << logger_.lines[2];
}

TEST_F(LogBoundTest, AReaderOfOurOwnHasATimeToEndIn) {
  auto reader = Connection::open(database(), Connection::Mode::reader, nullptr);
  ASSERT_TRUE(reader);
  (*reader)->limit_time(std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  (*reader)->run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n");  // for ever
  ASSERT_FALSE((*reader)->ok());
  EXPECT_EQ((*reader)->error().kind, ErrorKind::transient);
  EXPECT_EQ((*reader)->error().code, "SlowDown");
}

}  // namespace
}  // namespace s3link::sqlite_store
