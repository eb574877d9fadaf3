// Every write and sync of a scripted session fails once, and the disk dies or is full from each of them on. What must
// hold every time (promise P1): what was acknowledged is there, what was refused is not, reads go on, nothing is left
// behind.
#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>
#include <thread>

#include "adapters/sqlite_store/faulty_file_system_test.hpp"
#include "adapters/sqlite_store/faulty_vfs_test.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "core/base/digest.hpp"

namespace s3link::sqlite_store {
namespace {

/// What a key may hold; "": no object. More than one when nobody can know.
using Expected = std::map<std::string, std::set<std::string>>;

constexpr std::size_t kLarge = 100'000;

/// A session of writes with what each may have left.
class Session {
 public:
  explicit Session(Store& store) : store_(store) {}

  void run() {
    write("small", pattern(100, 1), [&] { return put_it("small", pattern(100, 1)); });
    write("large", pattern(kLarge, 2), [&] { return put_it("large", pattern(kLarge, 2)); });
    write("huge", pattern(4 * kLarge, 3), [&] { return put_it("huge", pattern(4 * kLarge, 3)); });
    write("large", pattern(kLarge, 4), [&] { return put_it("large", pattern(kLarge, 4)); });
    write("small", pattern(kLarge, 5), [&] { return put_it("small", pattern(kLarge, 5)); });
    write("upload", pattern(kLarge, 6), [&] { return upload_it("upload", pattern(kLarge, 6)); });
    write("huge", "", [&] { return delete_it("huge"); });
    write("large", "tiny", [&] { return put_it("large", "tiny"); });
    write("upload", "", [&] { return delete_it("upload"); });
    check_reads();
  }

  const Expected& expected() const { return expected_; }
  bool all_succeeded() const { return refused_ == 0; }

 private:
  void write(const std::string& key, const std::string& content, const std::function<Status()>& work) {
    const Status done = work();
    auto& now = expected_.try_emplace(key, std::set<std::string>{""}).first->second;
    if (done) {
      now = {content};
      return;
    }
    ++refused_;
    EXPECT_TRUE(done.error().kind == ErrorKind::transient || done.error().kind == ErrorKind::internal)
        << to_string(done.error().kind) << " " << done.error().message;
    // After a sync that failed nobody knows what the disk holds; then writes are refused.
    if (!store_.buckets().writable()) now.insert(content);
    check_reads();
  }
  void check_reads() {
    for (const auto& [key, contents] : expected_) {
      const auto got = run_sync(get(store_.buckets(), key));
      if (!got) {
        EXPECT_EQ(got.error().code, "NoSuchKey") << got.error().message;
      }
      EXPECT_TRUE(contents.contains(got.value_or(""))) << key;
    }
  }
  Status put_it(const std::string& key, const std::string& content) {
    ports::PutObject request = put_request(key);
    request.event = ports::EventOrigin{
        .event_name = "ObjectCreated:Put", .region = "r", .principal = "p", .source_ip = "::1", .request_id = "R"};
    const auto info = run_sync(put(store_.buckets(), std::move(request), content));
    if (!info) return std::unexpected(info.error());
    return {};
  }
  Status upload_it(const std::string& key, const std::string& content) {
    const auto upload = run_sync(store_.buckets().create_upload(
        bucket_name(),
        {.upload_id = {}, .key = object_key(key), .initiated = {}, .headers = {}, .checksum_algorithm = {}}));
    if (!upload) return std::unexpected(upload.error());
    auto body = run_sync(write_body(store_.buckets(), content));
    if (!body) return std::unexpected(body.error());
    const auto part = run_sync(store_.buckets().put_part(bucket_name(), object_key(key), upload->upload_id, 1,
                                                         std::nullopt, {}, std::move(*body)));
    if (!part) return std::unexpected(part.error());
    const auto done =
        run_sync(store_.buckets().complete_upload({.bucket = bucket_name(),
                                                   .key = object_key(key),
                                                   .upload_id = upload->upload_id,
                                                   .parts = {{.number = 1, .etag = part->etag, .checksum = {}}},
                                                   .checksum = {},
                                                   .modified = {},
                                                   .removed_at = {},
                                                   .event = {},
                                                   .condition = {}}));
    if (!done) return std::unexpected(done.error());
    return {};
  }
  Status delete_it(const std::string& key) {
    const auto done = run_sync(store_.buckets().delete_objects(bucket_name(), {object_key(key)}));
    if (!done) return std::unexpected(done.error());
    return {};
  }

  Store& store_;
  Expected expected_;
  int refused_ = 0;
};

class FaultTest : public testing::Test {
 protected:
  /// An empty store with the bucket.
  void prepare(const std::filesystem::path& folder) {
    auto store = open_store(folder);
    ASSERT_TRUE(store) << store.error().message;
    ASSERT_TRUE(run_sync((*store)->buckets().create_bucket(bucket_name(), at_second(1))));
  }

  /// After the fault is over: opens the folder again and compares.
  void check(const std::filesystem::path& folder, const Expected& expected) {
    auto opened = open_store(folder);
    ASSERT_TRUE(opened) << opened.error().message;
    ports::BucketStore& store = (*opened)->buckets();
    std::size_t files = 0;
    for (const auto& [key, contents] : expected) {
      const auto got = run_sync(get(store, key));
      if (!got) {
        EXPECT_EQ(got.error().code, "NoSuchKey") << key << ": " << got.error().message;
      }
      EXPECT_TRUE(contents.contains(got.value_or(""))) << key;
      files += got && got->size() > 16 * 1024 ? 1 : 0;
    }
    // An upload whose completion failed keeps its part.
    const auto uploads = run_sync(store.list_uploads(
        {.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .key_marker = {}, .upload_id_marker = {}}));
    ASSERT_TRUE(uploads);
    for (const auto& upload : uploads->uploads)
      files += run_sync(store.list_parts(bucket_name(), upload.key, upload.upload_id, 0, 10))->size();
    for (int i = 0; i < 300 && count_body_files(folder) != files; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(count_body_files(folder), files);
    // And it takes writes again.
    EXPECT_TRUE(run_sync(put(store, put_request("after"), pattern(kLarge, 9))));
    EXPECT_TRUE(store.writable());
  }

  int count_file_calls() {
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    prepare(folder.path());
    FaultyFileSystem files(FaultyFileSystem::Mode::count, 0, 0);
    auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}});
    EXPECT_TRUE(store);
    Session session(**store);
    session.run();
    EXPECT_TRUE(session.all_succeeded());
    store->reset();
    EXPECT_GT(files.calls(), 30);
    return files.calls();
  }

  void run_with_file_fault(FaultyFileSystem::Mode mode, int chosen, int number, bool power_cut) {
    SCOPED_TRACE("call " + std::to_string(chosen));
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    prepare(folder.path());
    FaultyFileSystem files(mode, chosen, number);
    Expected expected;
    {
      auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}});
      if (!store) {
        EXPECT_TRUE(files.failed());
      } else {
        Session session(**store);
        session.run();
        expected = session.expected();
      }
    }
    power_cut ? files.lose_what_was_not_synced() : files.keep_everything();
    check(folder.path(), expected);
  }
};

TEST_F(FaultTest, EachFileCallFailsOnce) {
  const int calls = count_file_calls();
  for (int chosen = 0; chosen < calls; ++chosen)
    run_with_file_fault(FaultyFileSystem::Mode::fail_once, chosen, EIO, false);
}

TEST_F(FaultTest, DiskIsFullForOneCallAndTheStoreGoesOn) {
  const int calls = count_file_calls();
  for (int chosen = 0; chosen < calls; ++chosen) {
    SCOPED_TRACE(chosen);
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    prepare(folder.path());
    FaultyFileSystem files(FaultyFileSystem::Mode::fail_once, chosen, ENOSPC);
    auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}});
    if (!store) {
      EXPECT_EQ(store.error().kind, ErrorKind::transient);
      continue;
    }
    Session session(**store);
    session.run();
    EXPECT_TRUE((*store)->buckets().writable());  // there is room again
    const auto later = [&] { return run_sync(put((*store)->buckets(), put_request("later"), pattern(kLarge))); };
    EXPECT_TRUE(later() || later());  // the one failure may come as late as here
    store->reset();
    files.keep_everything();
    Expected expected = session.expected();
    expected["later"] = {pattern(kLarge)};
    check(folder.path(), expected);
  }
}

TEST_F(FaultTest, PowerGoesAtEachFileCall) {
  const int calls = count_file_calls();
  for (int chosen = 0; chosen < calls; ++chosen)
    run_with_file_fault(FaultyFileSystem::Mode::fail_onwards, chosen, EIO, true);
}

TEST_F(FaultTest, PowerGoesAfterEverything) {
  run_with_file_fault(FaultyFileSystem::Mode::fail_onwards, 1'000'000, EIO, true);
}

TEST_F(FaultTest, FailedSyncOfABodyRefusesFurtherWrites) {
  const TemporaryFolder folder(TemporaryFolder::Place::memory);
  prepare(folder.path());
  int sync_call = -1;
  for (int chosen = 0; sync_call < 0 && chosen < 40; ++chosen) {
    FaultyFileSystem files(FaultyFileSystem::Mode::fail_once, chosen, EIO);
    auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}});
    if (!store) continue;
    const auto info = run_sync(put((*store)->buckets(), put_request("key"), pattern(kLarge)));
    const Status writable = (*store)->buckets().writable();
    if (writable) continue;
    sync_call = chosen;
    EXPECT_FALSE(info);
    EXPECT_EQ(writable.error().code, "ServiceUnavailable");
    EXPECT_NE(writable.error().message.find("sync"), std::string::npos) << writable.error().message;
    const auto refused = run_sync(put((*store)->buckets(), put_request("other"), "small"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "ServiceUnavailable");
    EXPECT_TRUE(run_sync((*store)->buckets().head_bucket(bucket_name())));
  }
  EXPECT_GE(sync_call, 0);
}

TEST_F(FaultTest, NearlyFullDiskTakesNoBodiesButDeletions) {
  const TemporaryFolder folder(TemporaryFolder::Place::memory);
  prepare(folder.path());
  FaultyFileSystem files(FaultyFileSystem::Mode::count, 0, 0);
  auto store = open_store(folder.path(), {.files = &files, .sqlite_vfs = nullptr, .now = {}});
  ASSERT_TRUE(store);
  ports::BucketStore& buckets = (*store)->buckets();
  ASSERT_TRUE(run_sync(put(buckets, put_request("key"), pattern(kLarge))));
  files.pretend_free_bytes(10'000'000);
  for (const std::size_t size : {std::size_t{10}, kLarge}) {
    const auto refused = run_sync(put(buckets, put_request("key"), pattern(size, 2)));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, "ServiceUnavailable");
  }
  EXPECT_FALSE(buckets.writable());
  EXPECT_TRUE(run_sync(get(buckets, "key")) == pattern(kLarge));
  EXPECT_TRUE(run_sync(buckets.delete_objects(bucket_name(), {object_key("key")})));
  files.pretend_free_bytes(1'000'000'000);
  EXPECT_TRUE(buckets.writable());
  EXPECT_TRUE(run_sync(put(buckets, put_request("key"), pattern(kLarge, 3))));
  // More than there is room for is refused before the first byte.
  EXPECT_EQ(run_sync(buckets.create_body(2'000'000'000)).error().kind, ErrorKind::transient);
}

struct DatabaseFault {
  std::string name;
  FaultyVfs::Fault fault;
};

class DatabaseFaultTest : public FaultTest, public testing::WithParamInterface<DatabaseFault> {};

TEST_P(DatabaseFaultTest, EachDatabaseCallFails) {
  int calls = 0;
  {
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    prepare(folder.path());
    const FaultyVfs vfs(FaultyVfs::Fault::none, 0);
    auto store = open_store(folder.path(), {.files = nullptr, .sqlite_vfs = FaultyVfs::name(), .now = {}});
    ASSERT_TRUE(store);
    Session session(**store);
    session.run();
    ASSERT_TRUE(session.all_succeeded());
    calls = FaultyVfs::calls();
  }
  ASSERT_GT(calls, 50);
  for (int chosen = 0; chosen < calls; chosen += 3) {
    SCOPED_TRACE("call " + std::to_string(chosen));
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    prepare(folder.path());
    Expected expected;
    {
      const FaultyVfs vfs(GetParam().fault, chosen);
      auto store = open_store(folder.path(), {.files = nullptr, .sqlite_vfs = FaultyVfs::name(), .now = {}});
      if (store) {
        Session session(**store);
        session.run();
        expected = session.expected();
      } else {
        EXPECT_TRUE(FaultyVfs::failed());
      }
    }
    check(folder.path(), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Faults, DatabaseFaultTest,
                         testing::Values(DatabaseFault{"FullOnce", FaultyVfs::Fault::full_once},
                                         DatabaseFault{"FullOnwards", FaultyVfs::Fault::full_onwards},
                                         DatabaseFault{"SyncFailsOnce", FaultyVfs::Fault::sync_once},
                                         DatabaseFault{"DiskGone", FaultyVfs::Fault::io_onwards}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace s3link::sqlite_store
