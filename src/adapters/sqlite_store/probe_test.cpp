// What the store answers when it is to try whether uploads can be stored.
#include <gtest/gtest.h>

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <future>

#include "adapters/sqlite_store/faulty_file_system_test.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

Status probe(Store& store) {
  std::promise<Status> answer;
  store.probe([&answer](Status found) { answer.set_value(std::move(found)); });
  return answer.get_future().get();
}

std::string objection(Store& store) {
  const Status found = probe(store);
  return found ? "" : found.error().message;
}

class ProbeTest : public StoreTest {
 protected:
  std::size_t files() const { return count_body_files(folder_.path()); }
  /// How many calls that change something opening the store makes.
  int calls_to_open() {
    FaultyFileSystem files(FaultyFileSystem::Mode::count, 0, 0);
    reopen({.files = &files, .sqlite_vfs = nullptr, .now = {}});
    const int calls = files.calls();
    store_.reset();
    return calls;
  }
  fs::path body() const {
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "objects"))
      if (entry.is_regular_file()) return entry.path();
    return {};
  }
};

TEST_F(ProbeTest, AStoreThatWorksHasNoObjectionAndNothingIsLeft) {
  EXPECT_EQ(objection(*store_), "");
  EXPECT_EQ(files(), 0U);
  ASSERT_TRUE(put_bytes("large", pattern(100'000)));
  EXPECT_EQ(objection(*store_), "");
  EXPECT_EQ(files(), 1U);
}

TEST_F(ProbeTest, AFolderThatWasRemovedIsNoTroubleOneThatCannotBeMadeIs) {
  ASSERT_TRUE(put_bytes("large", pattern(100'000)));
  fs::remove_all(folder_.path() / "objects");
  fs::create_directory(folder_.path() / "objects");
  EXPECT_EQ(objection(*store_), "") << "an upload makes what it needs";
  fs::remove_all(folder_.path() / "objects");
  EXPECT_EQ(objection(*store_), "no file can be made in objects/: No such file or directory");
  fs::create_directory(folder_.path() / "objects");
  EXPECT_EQ(objection(*store_), "");
}

TEST_F(ProbeTest, EveryStepThatFailsIsAnObjection) {
  for (const int number : {EIO, EACCES, EMFILE, EROFS}) {
    for (int chosen = 0; chosen < 4; ++chosen) {  // make, write, sync, unlink
      FaultyFileSystem files(FaultyFileSystem::Mode::fail_once, calls_to_open() + chosen, number);
      reopen({.files = &files, .sqlite_vfs = nullptr, .now = {}});
      EXPECT_NE(objection(*store_), "") << std::strerror(number) << " at step " << chosen;
      EXPECT_EQ(objection(*store_), "") << "and the next probe is its own";
      EXPECT_TRUE(buckets().writable()) << "nothing of what is stored is in doubt";
      store_.reset();
    }
  }
}

/// The real one, but opening a file, or reading it, fails.
class UnreadableFiles final : public FileSystem {
 public:
  int opening = 0, reading = 0;
  bool wrong_bytes = false;
  int open(const std::string& path, int& descriptor) override {
    return opening != 0 ? opening : real_.open(path, descriptor);
  }
  int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out, bool cached_only,
              std::size_t& length) override {
    if (reading != 0) return reading;
    const int result = real_.read_at(descriptor, offset, out, cached_only, length);
    if (wrong_bytes) out[0] ^= std::byte{1};
    return result;
  }
  int create(const std::string& path, int& descriptor) override { return real_.create(path, descriptor); }
  void close(int descriptor) override { real_.close(descriptor); }
  int write_at(int descriptor, std::uint64_t offset, std::span<const std::byte> data) override {
    return real_.write_at(descriptor, offset, data);
  }
  int sync_data(int descriptor) override { return real_.sync_data(descriptor); }
  int unlink(const std::string& path) override { return real_.unlink(path); }
  int make_folder(const std::string& path) override { return real_.make_folder(path); }
  int sync_folder(const std::string& path) override { return real_.sync_folder(path); }
  int list_folder(const std::string& path, const std::function<void(std::string_view)>& each) override {
    return real_.list_folder(path, each);
  }
  int free_bytes(const std::string& path, std::uint64_t& bytes) override { return real_.free_bytes(path, bytes); }

 private:
  FileSystem& real_ = real_file_system();
};

TEST_F(ProbeTest, WhatCannotBeReadBackIsAnObjection) {
  UnreadableFiles unreadable;
  reopen({.files = &unreadable, .sqlite_vfs = nullptr, .now = {}});
  unreadable.opening = EACCES;
  EXPECT_EQ(objection(*store_), "a file in objects/ cannot be opened: Permission denied");
  unreadable.opening = 0;
  unreadable.reading = EIO;
  EXPECT_EQ(objection(*store_), "a file in objects/ cannot be read: Input/output error");
  unreadable.reading = 0;
  unreadable.wrong_bytes = true;
  EXPECT_EQ(objection(*store_), "a file in objects/ does not hold what was written to it");
  unreadable.wrong_bytes = false;
  EXPECT_EQ(objection(*store_), "");
  EXPECT_EQ(files(), 0U);
  store_.reset();
}

TEST_F(ProbeTest, StoredFilesThatMayNotBeReadAreAnObjectionAMissingOneIsNot) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  ASSERT_TRUE(put_bytes("large", pattern(100'000)));
  fs::permissions(body(), fs::perms::none);
  EXPECT_EQ(objection(*store_), "stored files in objects/ cannot be opened: Permission denied");
  fs::remove(body());
  EXPECT_EQ(objection(*store_), "");
}

TEST_F(ProbeTest, InodesThatAreUsedUpAreNamed) {
  FaultyFileSystem files(FaultyFileSystem::Mode::fail_once, calls_to_open(), ENOSPC);
  reopen({.files = &files, .sqlite_vfs = nullptr, .now = {}});
  EXPECT_EQ(objection(*store_),
            "no file can be made in objects/ though there is space: its file system has no inodes left (df -i)");
  EXPECT_TRUE(store_->room_for_bodies());
  store_.reset();
}

TEST_F(ProbeTest, AFullDiskIsForWritableToTell) {
  FaultyFileSystem files(FaultyFileSystem::Mode::count, 0, 0);
  reopen({.files = &files, .sqlite_vfs = nullptr, .now = {}});
  EXPECT_TRUE(store_->room_for_bodies());
  files.pretend_free_bytes(1 << 20);
  const int calls = files.calls();
  EXPECT_EQ(objection(*store_), "");
  EXPECT_EQ(files.calls(), calls) << "nothing is tried";
  EXPECT_FALSE(store_->room_for_bodies());
  files.pretend_free_bytes(0);
  store_.reset();
}

TEST_F(ProbeTest, WhatAKilledProbeLeftIsReplacedAndSwept) {
  ASSERT_TRUE(put_bytes("large", pattern(100'000)));
  const fs::path folder = body().parent_path();
  for (const fs::path& place : {folder, folder_.path() / "objects"}) std::ofstream(place / "probe") << "left";
  EXPECT_EQ(objection(*store_), "");
  EXPECT_FALSE(fs::exists(folder / "probe"));
  store_.reset();
  std::ofstream(folder / "probe") << "left";
  {
    auto db = Connection::open(folder_.path() / "s3link.db", Connection::Mode::writer, nullptr);
    ASSERT_TRUE(db);
    const auto number = std::stoul(folder.parent_path().filename().string() + folder.filename().string(), nullptr, 16);
    (*db)->run("INSERT INTO open_folders VALUES(?1)", number);
    ASSERT_TRUE((*db)->ok());
  }
  EXPECT_EQ(files(), 3U);
  reopen();
  EXPECT_FALSE(fs::exists(folder / "probe"));
  EXPECT_EQ(objection(*store_), "");
  EXPECT_EQ(files(), 1U) << "objects/probe is taken by the next probe while nothing is uploaded";
}

}  // namespace
}  // namespace s3link::sqlite_store
