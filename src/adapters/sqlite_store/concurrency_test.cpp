#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <thread>
#include <vector>
#include "core/base/digest.hpp"

#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

/// Runs all coroutines, spread over io_contexts with a thread each.
class Contexts {
 public:
  explicit Contexts(std::size_t count) : contexts_(count) {}
  void spawn(Awaitable<void> work) {
    asio::co_spawn(contexts_[next_++ % contexts_.size()], std::move(work), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
  }
  void run() {
    std::vector<std::thread> threads;
    for (auto& context : contexts_) threads.emplace_back([&context] { context.run(); });
    for (auto& thread : threads) thread.join();
  }

 private:
  std::vector<asio::io_context> contexts_;
  std::size_t next_ = 0;
};

class ConcurrencyTest : public StoreTest {};

Awaitable<void> put_and_check(ports::BucketStore& store, std::string key, std::string bytes, std::atomic<int>& good) {
  const auto info = co_await put(store, put_request(key), bytes);
  if (!info) co_return;
  const auto got = co_await get(store, key);
  if (got && *got == bytes) ++good;
}

TEST_F(ConcurrencyTest, ManyWritersFromSeveralContextsShareCommits) {
  Contexts contexts(4);
  std::atomic<int> good = 0;
  constexpr int kWriters = 64;
  for (int i = 0; i < kWriters; ++i) {
    const std::size_t size = i % 4 == 0 ? 300'000 : i % 4 == 1 ? 20'000 : 1000;
    contexts.spawn(
        put_and_check(buckets(), "key" + std::to_string(i), pattern(size, static_cast<std::uint32_t>(i)), good));
  }
  contexts.run();
  EXPECT_EQ(good, kWriters);
  const auto counters = store_->commit_counters();
  EXPECT_GT(counters.largest_group, 1U);
  EXPECT_LT(counters.transactions, counters.requests);
  EXPECT_EQ(count_body_files(folder_.path()), 32U);
}

Awaitable<void> create_once(ports::BucketStore& store, int number, std::atomic<int>& winners,
                            std::atomic<int>& refused) {
  ports::PutObject request = put_request("contended");
  request.condition.if_none_exists = true;
  const std::size_t size = number % 2 == 0 ? 100 : 50'000;
  const auto info = co_await put(store, std::move(request), pattern(size, static_cast<std::uint32_t>(number)));
  if (info) {
    ++winners;
  } else if (info.error().code == "PreconditionFailed") {
    ++refused;
  }
}

TEST_F(ConcurrencyTest, ExactlyOneConditionalCreationWins) {
  for (int round = 0; round < 5; ++round) {
    Contexts contexts(3);
    std::atomic<int> winners = 0;
    std::atomic<int> refused = 0;
    for (int i = 0; i < 20; ++i) contexts.spawn(create_once(buckets(), i, winners, refused));
    contexts.run();
    EXPECT_EQ(winners, 1);
    EXPECT_EQ(refused, 19);
    ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("contended")})));
  }
}

Awaitable<void> overwrite(ports::BucketStore& store, int rounds, std::atomic<int>& running) {
  for (int i = 0; i < rounds; ++i) {
    const std::size_t size = i % 3 == 0 ? 1000 : 100'000;
    const auto info = co_await put(store, put_request("hot"), pattern(size, static_cast<std::uint32_t>(i)));
    if (!info) ADD_FAILURE() << info.error().message;
  }
  --running;
}

Awaitable<void> read_all_the_time(ports::BucketStore& store, std::atomic<int>& running, std::atomic<int>& reads) {
  while (running > 0) {
    const auto object = co_await store.open_object(bucket_name(), object_key("hot"));
    if (!object) {
      ADD_FAILURE() << object.error().message;
      co_return;
    }
    std::string bytes(static_cast<std::size_t>(object->info.size_bytes), '\0');
    const auto got = co_await object->body->read_at(0, std::as_writable_bytes(std::span(bytes)));
    if (!got || *got != bytes.size() || hex_encode(md5(bytes)) != object->info.etag)
      ADD_FAILURE() << (got ? "another version's bytes" : got.error().message);
    ++reads;
  }
}

TEST_F(ConcurrencyTest, ReadersAlwaysSeeOneWholeVersion) {
  ASSERT_TRUE(put_bytes("hot", "first"));
  Contexts contexts(4);
  std::atomic<int> running = 2;
  std::atomic<int> reads = 0;
  contexts.spawn(overwrite(buckets(), 60, running));
  contexts.spawn(read_all_the_time(buckets(), running, reads));
  contexts.spawn(read_all_the_time(buckets(), running, reads));
  contexts.spawn(overwrite(buckets(), 60, running));
  contexts.run();
  EXPECT_GT(reads, 0);
  store_.reset();
  reopen();
  const auto info = run_sync(buckets().head_object(bucket_name(), object_key("hot")));
  ASSERT_TRUE(info);
  // Every replaced file goes, by now or by the next start.
  const std::size_t wanted = info->size_bytes > 16 * 1024 ? 1 : 0;
  for (int i = 0; i < 200 && count_body_files(folder_.path()) != wanted; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(count_body_files(folder_.path()), wanted);
}

Awaitable<void> put_part(ports::BucketStore& store, std::string upload_id, unsigned number, std::atomic<int>& good) {
  auto body = co_await write_body(store, pattern(5 * 1024 * 1024, number));
  if (!body) co_return;
  const auto part = co_await store.put_part(bucket_name(), object_key("big"), upload_id, number, std::nullopt,
                                            at_second(1), std::move(*body));
  if (part) ++good;
}

TEST_F(ConcurrencyTest, PartsAreUploadedAtTheSameTime) {
  const auto upload = run_sync(buckets().create_upload(
      bucket_name(),
      {.upload_id = {}, .key = object_key("big"), .initiated = {}, .headers = {}, .checksum_algorithm = {}}));
  ASSERT_TRUE(upload);
  Contexts contexts(2);
  std::atomic<int> good = 0;
  for (unsigned i = 1; i <= 6; ++i) contexts.spawn(put_part(buckets(), upload->upload_id, i, good));
  contexts.run();
  ASSERT_EQ(good, 6);
  ports::CompleteUpload complete{.bucket = bucket_name(),
                                 .key = object_key("big"),
                                 .upload_id = upload->upload_id,
                                 .parts = {},
                                 .checksum = {},
                                 .modified = {},
                                 .removed_at = {},
                                 .event = {},
                                 .condition = {}};
  std::string whole;
  for (unsigned i = 1; i <= 6; ++i) {
    whole += pattern(5 * 1024 * 1024, i);
    complete.parts.push_back({.number = i, .etag = hex_encode(md5(pattern(5 * 1024 * 1024, i))), .checksum = {}});
  }
  ASSERT_TRUE(run_sync(buckets().complete_upload(complete)));
  EXPECT_TRUE(get_bytes("big") == whole);

  // A reader of the object holds all its files while it is removed.
  auto object = run_sync(buckets().open_object(bucket_name(), object_key("big")));
  ASSERT_TRUE(object);
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("big")})));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::string out(1000, '?');
  for (std::size_t at = 0; at < whole.size(); at += 3'000'000) {
    const auto got = run_sync(object->body->read_at(at, std::as_writable_bytes(std::span(out))));
    ASSERT_TRUE(got) << got.error().message;
    EXPECT_TRUE(out.substr(0, *got) == whole.substr(at, *got));
  }
  EXPECT_EQ(count_body_files(folder_.path()), 6U);
  object->body.reset();
  for (int i = 0; i < 200 && count_body_files(folder_.path()) > 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(count_body_files(folder_.path()), 0U);
}

}  // namespace
}  // namespace s3link::sqlite_store
