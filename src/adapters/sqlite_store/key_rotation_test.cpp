// The master key is exchanged; the process dies at every step of it, and every database call fails. What must hold each
// time: the folder opens, everything reads, running it again finishes, and then the old key opens nothing.
#include "adapters/sqlite_store/key_rotation.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include "adapters/sqlite_store/backup_lock.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/faulty_vfs_test.hpp"
#include "adapters/sqlite_store/folder_lock.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

std::string read_all(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder with objects in the database and in files and a multipart upload in progress, and its key beside it.
class KeyRotationTest : public testing::Test {
 protected:
  static constexpr std::size_t kObjects = 12;

  void SetUp() override { fill(folder_.path()); }

  static fs::path key_file(const fs::path& folder) { return folder / "master.key"; }
  static KeyRotation rotation(const fs::path& folder) { return {.data_dir = folder, .key_file = key_file(folder)}; }
  static std::string content(std::size_t number) {
    return pattern(number % 2 == 0 ? 500 : 40'000, static_cast<std::uint32_t>(number));
  }

  void fill(const fs::path& folder) {
    auto key = load_or_create_master_key(key_file(folder));
    ASSERT_TRUE(key) << key.error().message;
    auto store = Store::open({.data_dir = folder, .master_key = std::move(*key), .region = "us-east-1"});
    ASSERT_TRUE(store) << store.error().message;
    ports::BucketStore& buckets = (*store)->buckets();
    ASSERT_TRUE(run_sync(buckets.create_bucket(bucket_name(), at_second(1))));
    for (std::size_t i = 0; i < kObjects; ++i) ASSERT_TRUE(run_sync(put(buckets, put_request(name(i)), content(i))));
    const auto upload = run_sync(buckets.create_upload(
        bucket_name(),
        {.upload_id = {}, .key = object_key("upload"), .initiated = {}, .headers = {}, .checksum_algorithm = {}}));
    ASSERT_TRUE(upload);
    auto body = run_sync(write_body(buckets, pattern(50'000, 99)));
    ASSERT_TRUE(body);
    const auto part = run_sync(buckets.put_part(bucket_name(), object_key("upload"), upload->upload_id, 1, std::nullopt,
                                                {}, std::move(*body)));
    ASSERT_TRUE(part);
    upload_id_ = upload->upload_id;
    part_etag_ = part->etag;
  }
  static std::string name(std::size_t number) { return "object-" + std::to_string(number); }

  /// As a server starts.
  static Result<std::unique_ptr<Store>> start(const fs::path& folder) {
    if (const Status settled = settle_master_key(rotation(folder)); !settled) return std::unexpected(settled.error());
    auto key = load_or_create_master_key(key_file(folder));
    if (!key) return std::unexpected(key.error());
    return Store::open({.data_dir = folder, .master_key = std::move(*key), .region = "us-east-1"});
  }

  static void expect_all_readable(Store& store) {
    for (std::size_t i = 0; i < kObjects; ++i)
      EXPECT_EQ(run_sync(get(store.buckets(), name(i))).value_or("unreadable"), content(i)) << i;
  }

  /// Also completes the upload.
  void expect_whole(const fs::path& folder) {
    const auto store = start(folder);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_FALSE(fs::exists(folder / "master.key.new"));
    expect_all_readable(**store);
    const auto done =
        run_sync((*store)->buckets().complete_upload({.bucket = bucket_name(),
                                                      .key = object_key("upload"),
                                                      .upload_id = upload_id_,
                                                      .parts = {{.number = 1, .etag = part_etag_, .checksum = {}}},
                                                      .checksum = {},
                                                      .modified = {},
                                                      .removed_at = {},
                                                      .event = {},
                                                      .condition = {}}));
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(run_sync(get((*store)->buckets(), "upload")).value_or("unreadable"), pattern(50'000, 99));
  }

  static std::vector<std::string> wrapped_keys(const fs::path& folder) {
    std::vector<std::string> found;
    auto db = Connection::open(folder / "s3link.db", Connection::Mode::writer, nullptr);
    EXPECT_TRUE(db);
    Query rows = (*db)->query("SELECT wrapped_key FROM bodies");
    while (rows.next()) found.push_back(rows.text(0));
    return found;
  }

  /// A copy of the filled folder, so that each case begins alike.
  static void copy(const fs::path& from, const fs::path& to) {
    fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  }

  TemporaryFolder folder_{TemporaryFolder::Place::memory};
  std::string upload_id_;
  std::string part_etag_;
};

TEST_F(KeyRotationTest, EverythingReadsUnderTheNewKeyAndNothingUnderTheOld) {
  const std::string old_text = read_all(key_file(folder_.path()));
  const auto old_keys = wrapped_keys(folder_.path());
  ASSERT_EQ(old_keys.size(), kObjects + 1);
  std::uint64_t last_done = 0;
  std::uint64_t last_total = 0;
  const auto report = rotate_master_key(rotation(folder_.path()), {.progress = [&](auto done, auto total) {
                                          last_done = done;
                                          last_total = total;
                                        }});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->data_keys, kObjects + 1);
  EXPECT_EQ(report->unreadable, 0U);
  EXPECT_FALSE(report->finished_earlier);
  EXPECT_EQ(last_done, kObjects + 1);
  EXPECT_EQ(last_total, kObjects + 1);
  EXPECT_NE(read_all(key_file(folder_.path())), old_text);

  // No data key wrapped with the old key is left anywhere in the folder.
  for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
    if (!entry.is_regular_file()) continue;
    const std::string bytes = read_all(entry.path());
    for (const std::string& wrapped : old_keys) EXPECT_FALSE(bytes.contains(wrapped)) << entry.path();
    EXPECT_FALSE(bytes.contains(old_text.substr(0, 64))) << entry.path();
  }
  expect_whole(folder_.path());

  fs::remove(key_file(folder_.path()));
  std::ofstream(key_file(folder_.path())) << old_text;
  fs::permissions(key_file(folder_.path()), fs::perms::owner_read | fs::perms::owner_write);
  const auto refused = start(folder_.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
}

/// Runs a rotation in a process of its own that dies, as by kill -9, when `step` was reached for the `count`th time.
/// False: it came to its end before.
bool dies_at(const KeyRotation& rotation, RotationStep step, std::size_t count) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::size_t seen = 0;
    const auto done = rotate_master_key(rotation, {.reached = [&](RotationStep reached) {
                                          if (reached == step && ++seen == count) ::_exit(9);
                                        }});
    ::_exit(done ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 1);
  return WEXITSTATUS(status) == 9;
}

TEST_F(KeyRotationTest, DeathAtAnyStepLeavesAFolderThatReads) {
  const std::map<RotationStep, std::size_t> times = {{RotationStep::key_saved, 1},
                                                     {RotationStep::key_wrapped, kObjects + 1},
                                                     {RotationStep::committed, 1},
                                                     {RotationStep::log_cut, 1},
                                                     {RotationStep::finished, 1}};
  const std::string old_text = read_all(key_file(folder_.path()));
  for (const auto& [step, count] : times) {
    for (std::size_t at = 1; at <= count; ++at) {
      SCOPED_TRACE(testing::Message() << "step " << static_cast<int>(step) << " time " << at);
      const bool over = step >= RotationStep::committed;
      {
        const TemporaryFolder started(TemporaryFolder::Place::memory);
        copy(folder_.path(), started.path());
        ASSERT_TRUE(dies_at(rotation(started.path()), step, at));
        expect_whole(started.path());
        EXPECT_EQ(read_all(key_file(started.path())) != old_text, over);
      }
      const TemporaryFolder again(TemporaryFolder::Place::memory);
      copy(folder_.path(), again.path());
      ASSERT_TRUE(dies_at(rotation(again.path()), step, at));
      const auto report = rotate_master_key(rotation(again.path()));
      ASSERT_TRUE(report) << report.error().message;
      EXPECT_EQ(report->finished_earlier, over && step != RotationStep::finished);
      expect_whole(again.path());
      EXPECT_NE(read_all(key_file(again.path())), old_text);
    }
  }
}

TEST_F(KeyRotationTest, DeathWhileTheOldKeyIsOverwrittenIsSurvived) {
  ASSERT_TRUE(dies_at(rotation(folder_.path()), RotationStep::log_cut, 1));
  std::ofstream(key_file(folder_.path()), std::ios::binary | std::ios::in) << std::string(30, '\0');
  expect_whole(folder_.path());
}

TEST_F(KeyRotationTest, AfterDeathAtAnyStepAServerStartsBesideABackup) {
  const std::string old_text = read_all(key_file(folder_.path()));
  for (const auto step : {RotationStep::key_saved, RotationStep::key_wrapped, RotationStep::committed,
                          RotationStep::log_cut, RotationStep::finished}) {
    SCOPED_TRACE(testing::Message() << "step " << static_cast<int>(step));
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    copy(folder_.path(), folder.path());
    ASSERT_TRUE(dies_at(rotation(folder.path()), step, 1));
    {
      auto lock = BackupLock::open(folder.path());
      ASSERT_TRUE(lock);
      const auto backup = lock->share();
      ASSERT_TRUE(backup);
      auto reader = Connection::open(folder.path() / "s3link.db", Connection::Mode::reader, nullptr);
      ASSERT_TRUE(reader);
      (*reader)->script("BEGIN; SELECT count(*) FROM bodies;");
      ASSERT_TRUE((*reader)->ok());
      const Status settled = settle_master_key(rotation(folder.path()));
      ASSERT_TRUE(settled) << settled.error().message;
      EXPECT_EQ(read_all(key_file(folder.path())) != old_text, step >= RotationStep::committed);
      (*reader)->script("COMMIT");
      const auto store = start(folder.path());
      ASSERT_TRUE(store) << store.error().message;
      expect_all_readable(**store);
    }
    expect_whole(folder.path());
    EXPECT_TRUE(rotate_master_key(rotation(folder.path())));
    const auto store = start(folder.path());
    ASSERT_TRUE(store) << store.error().message;
    expect_all_readable(**store);
  }
}

TEST_F(KeyRotationTest, TwoForeignKeysAreRefusedBesideABackup) {
  const TemporaryFolder other;
  const fs::path foreign = other.path() / "master.key";
  ASSERT_TRUE(load_or_create_master_key(foreign));
  ASSERT_TRUE(load_or_create_master_key(foreign.string() + ".new"));
  auto lock = BackupLock::open(folder_.path());
  ASSERT_TRUE(lock);
  const auto backup = lock->share();
  ASSERT_TRUE(backup);
  const Status refused = settle_master_key({.data_dir = folder_.path(), .key_file = foreign});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
}

TEST_F(KeyRotationTest, APartOfANewKeysFileIsRemoved) {
  const std::string old_text = read_all(key_file(folder_.path()));
  std::ofstream(folder_.path() / "master.key.new") << "0123456789";
  expect_whole(folder_.path());
  EXPECT_EQ(read_all(key_file(folder_.path())), old_text);
}

TEST_F(KeyRotationTest, EveryFailureOfTheDatabaseLeavesAFolderThatReads) {
  int calls = 0;
  {
    const TemporaryFolder counted(TemporaryFolder::Place::memory);
    copy(folder_.path(), counted.path());
    const FaultyVfs none(FaultyVfs::Fault::none, 0);
    ASSERT_TRUE(rotate_master_key(rotation(counted.path()), {.sqlite_vfs = FaultyVfs::name()}));
    calls = FaultyVfs::calls();
  }
  ASSERT_GT(calls, 5);
  for (const auto fault : {FaultyVfs::Fault::full_once, FaultyVfs::Fault::full_onwards, FaultyVfs::Fault::sync_once,
                           FaultyVfs::Fault::io_onwards}) {
    for (int chosen = 0; chosen < calls; ++chosen) {
      SCOPED_TRACE(testing::Message() << "fault " << static_cast<int>(fault) << " at call " << chosen);
      const TemporaryFolder folder(TemporaryFolder::Place::memory);
      copy(folder_.path(), folder.path());
      Result<RotationReport> report;
      bool failed = false;
      {
        const FaultyVfs vfs(fault, chosen);
        report = rotate_master_key(rotation(folder.path()), {.sqlite_vfs = FaultyVfs::name()});
        failed = FaultyVfs::failed();
      }
      if (!report) {
        EXPECT_TRUE(failed) << report.error().message;
      }
      expect_whole(folder.path());
    }
  }
}

TEST_F(KeyRotationTest, AFolderInUseIsRefused) {
  const auto lock = FolderLock::take(folder_.path());
  ASSERT_TRUE(lock);
  const auto refused = rotate_master_key(rotation(folder_.path()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_FALSE(fs::exists(folder_.path() / "master.key.new"));
}

TEST_F(KeyRotationTest, AFolderThatIsBeingBackedUpIsRefused) {
  auto lock = BackupLock::open(folder_.path());
  ASSERT_TRUE(lock);
  const auto backup = lock->share();
  ASSERT_TRUE(backup);
  const auto refused = rotate_master_key(rotation(folder_.path()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
}

TEST_F(KeyRotationTest, AForeignKeyIsRefusedAndNothingIsChanged) {
  const TemporaryFolder other;
  const fs::path foreign = other.path() / "master.key";
  ASSERT_TRUE(load_or_create_master_key(foreign));
  const std::string text = read_all(foreign);
  const auto refused = rotate_master_key({.data_dir = folder_.path(), .key_file = foreign});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
  EXPECT_EQ(read_all(foreign), text);
  EXPECT_FALSE(fs::exists(other.path() / "master.key.new"));
  expect_whole(folder_.path());
}

TEST_F(KeyRotationTest, TwoForeignKeysAreRefusedAndKept) {
  const TemporaryFolder other;
  const fs::path foreign = other.path() / "master.key";
  ASSERT_TRUE(load_or_create_master_key(foreign));
  ASSERT_TRUE(load_or_create_master_key(foreign.string() + ".new"));
  const Status refused = settle_master_key({.data_dir = folder_.path(), .key_file = foreign});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::denied);
  EXPECT_TRUE(load_or_create_master_key(foreign.string() + ".new"));
  EXPECT_TRUE(load_or_create_master_key(foreign));
}

TEST_F(KeyRotationTest, AFolderThatIsNotThereIsRefused) {
  const TemporaryFolder empty;
  const auto refused = rotate_master_key(rotation(empty.path()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::not_found);
  EXPECT_TRUE(fs::is_empty(empty.path()));
}

TEST_F(KeyRotationTest, ADamagedDataKeyIsLeftAndCounted) {
  {
    auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db);
    EXPECT_EQ((*db)->run("UPDATE bodies SET wrapped_key=zeroblob(60) WHERE body_set="
                         "(SELECT body_set FROM objects WHERE key=?1)",
                         Blob{"object-3"}),
              1);
  }
  const auto report = rotate_master_key(rotation(folder_.path()));
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->data_keys, kObjects);
  EXPECT_EQ(report->unreadable, 1U);
  const auto store = start(folder_.path());
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_FALSE(run_sync(get((*store)->buckets(), "object-3")));
  EXPECT_EQ(run_sync(get((*store)->buckets(), "object-4")).value_or("unreadable"), content(4));
}

TEST_F(KeyRotationTest, ACopyUnderAnotherNameIsNotOverwritten) {
  const std::string old_text = read_all(key_file(folder_.path()));
  fs::create_hard_link(key_file(folder_.path()), folder_.path() / "kept.key");
  ASSERT_TRUE(rotate_master_key(rotation(folder_.path())));
  EXPECT_EQ(read_all(folder_.path() / "kept.key"), old_text);
}

TEST_F(KeyRotationTest, ASymbolicLinkToTheKeyIsFollowed) {
  const TemporaryFolder elsewhere(TemporaryFolder::Place::memory);
  fs::rename(key_file(folder_.path()), elsewhere.path() / "real.key");
  fs::create_symlink(elsewhere.path() / "real.key", key_file(folder_.path()));
  ASSERT_TRUE(rotate_master_key(rotation(folder_.path())));
  EXPECT_TRUE(fs::is_symlink(key_file(folder_.path())));
  expect_whole(folder_.path());
}

}  // namespace
}  // namespace s3link::sqlite_store
