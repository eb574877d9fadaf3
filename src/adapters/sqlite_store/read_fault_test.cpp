// Each read of a session fails, once or from there on, in the database and in body files. What must hold: what is read
// is right or an error, never other bytes; a write is done or refused whole; when the disk reads again, so does the
// store; and after opening it again everything acknowledged is there (P1).
#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>

#include "adapters/sqlite_store/faulty_vfs_test.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

constexpr std::size_t kSmall = 100;
constexpr std::size_t kLarge = 300'000;

/// The real file system, but the chosen read of a body fails, or ends before what was asked for.
class FaultyReads final : public FileSystem {
 public:
  enum class Kind { error, cut_short };
  FaultyReads(Kind kind, int chosen, bool lasting) : kind_(kind), chosen_(chosen), lasting_(lasting) {}

  int reads() const { return reads_; }
  void repair() { chosen_ = kNone; }

  int read_at(int descriptor, std::uint64_t offset, std::span<std::byte> out, bool cached_only,
              std::size_t& length) override {
    const int number = reads_++;
    const int chosen = chosen_;
    const bool hit = chosen != kNone && (lasting_ ? number >= chosen : number == chosen);
    if (hit && kind_ == Kind::error) return EIO;
    const int result = real_.read_at(descriptor, offset, out, cached_only, length);
    if (hit && result == 0) length /= 2;
    return result;
  }
  int create(const std::string& path, int& descriptor) override { return real_.create(path, descriptor); }
  int open(const std::string& path, int& descriptor) override { return real_.open(path, descriptor); }
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
  static constexpr int kNone = -1;
  FileSystem& real_ = real_file_system();
  const Kind kind_;
  std::atomic<int> chosen_;
  const bool lasting_;
  std::atomic<int> reads_ = 0;
};

/// What each key may hold; "": no object.
using Expected = std::map<std::string, std::set<std::string>>;

class ReadFaultTest : public testing::Test {
 protected:
  void SetUp() override {
    auto store = open_store(prepared_.path());
    ASSERT_TRUE(store) << store.error().message;
    ports::BucketStore& buckets = (*store)->buckets();
    ASSERT_TRUE(run_sync(buckets.create_bucket(bucket_name(), at_second(1))));
    for (const auto& [key, contents] : at_first())
      ASSERT_TRUE(run_sync(put(buckets, put_request(key), *contents.begin())));
  }

  static Expected at_first() {
    return {{"small", {pattern(kSmall, 1)}}, {"large", {pattern(kLarge, 2)}}, {"gone", {pattern(kLarge, 3)}}};
  }

  void copy_prepared(const std::filesystem::path& to) const {
    std::filesystem::copy(prepared_.path(), to,
                          std::filesystem::copy_options::recursive | std::filesystem::copy_options::overwrite_existing);
  }

  void read_all(Store& store, const Expected& expected, bool must_succeed) {
    for (const auto& [key, contents] : expected) {
      const auto got = run_sync(get(store.buckets(), key));
      if (got || got.error().code == "NoSuchKey") {
        EXPECT_TRUE(contents.contains(got.value_or(""))) << key;
        continue;
      }
      ++errors_;
      EXPECT_FALSE(must_succeed) << key << ": " << got.error().message;
      // Who is told that an object is damaged gives it up; a disk that cannot be read now may be read later.
      EXPECT_EQ(got.error().kind == ErrorKind::corrupt, ends_early_) << key << ": " << got.error().message;
    }
  }

  void change(Expected& expected, const std::string& key, const std::string& content, bool done) {
    if (done) {
      expected[key] = {content};
      return;
    }
    ++errors_;
    expected.try_emplace(key, std::set<std::string>{""}).first->second.insert(content);
  }

  void run(Store& store, Expected& expected) {
    ports::BucketStore& buckets = store.buckets();
    read_all(store, expected, false);
    for (const std::size_t size : {kSmall, kLarge}) {
      const std::string key = "new" + std::to_string(size);
      change(expected, key, pattern(size, 4), run_sync(put(buckets, put_request(key), pattern(size, 4))).has_value());
    }
    change(expected, "gone", "", run_sync(buckets.delete_objects(bucket_name(), {object_key("gone")})).has_value());
    read_all(store, expected, false);
  }

  /// One session over a copy, with the faults of `hooks` until `repair`.
  void play(const StoreHooks& hooks, const std::function<void()>& repair) {
    const TemporaryFolder folder(TemporaryFolder::Place::memory);
    copy_prepared(folder.path());
    Expected expected = at_first();
    if (auto store = open_store(folder.path(), hooks)) {
      run(**store, expected);
      repair();
      read_all(**store, expected, true);
    } else {
      ++errors_;
      repair();
    }
    auto store = open_store(folder.path());
    ASSERT_TRUE(store) << store.error().message;
    read_all(**store, expected, true);
    EXPECT_TRUE(run_sync(put((*store)->buckets(), put_request("after"), pattern(kLarge, 5))));
  }

  int play_database(FaultyVfs::Fault fault, int chosen) {
    const FaultyVfs vfs(fault, chosen);
    StoreHooks hooks;
    hooks.sqlite_vfs = FaultyVfs::name();
    int reads = 0;
    play(hooks, [&] {
      reads = FaultyVfs::reads();
      FaultyVfs::repair();
    });
    return reads;
  }

  int play_bodies(FaultyReads::Kind kind, int chosen, bool lasting) {
    FaultyReads files(kind, chosen, lasting);
    ends_early_ = kind == FaultyReads::Kind::cut_short;
    StoreHooks hooks;
    hooks.files = &files;
    int reads = 0;
    play(hooks, [&] {
      reads = files.reads();
      files.repair();
    });
    return reads;
  }

  const TemporaryFolder prepared_{TemporaryFolder::Place::memory};
  bool ends_early_ = false;  ///< the fault is a file that is too short
  int errors_ = 0;
};

TEST_F(ReadFaultTest, EachReadOfTheDatabase) {
  const int reads = play_database(FaultyVfs::Fault::none, 0);
  ASSERT_GT(reads, 10);
  ASSERT_EQ(errors_, 0);
  for (const auto fault : {FaultyVfs::Fault::read_once, FaultyVfs::Fault::read_onwards}) {
    for (int n = 0; n < reads && !HasFailure(); ++n) {
      SCOPED_TRACE("read " + std::to_string(n));
      play_database(fault, n);
    }
  }
  EXPECT_GT(errors_, reads);
  std::cout << "reads of the database that fail, once and from there on: 2 x " << reads << ", " << errors_
            << " errors answered, " << 2 * reads << " stores opened again\n";
}

TEST_F(ReadFaultTest, EachReadOfABody) {
  const int reads = play_bodies(FaultyReads::Kind::error, -1, false);
  ASSERT_GT(reads, 3);
  ASSERT_EQ(errors_, 0);
  for (const auto kind : {FaultyReads::Kind::error, FaultyReads::Kind::cut_short}) {
    for (const bool lasting : {false, true}) {
      for (int n = 0; n < reads && !HasFailure(); ++n) {
        SCOPED_TRACE("read " + std::to_string(n));
        play_bodies(kind, n, lasting);
      }
    }
  }
  EXPECT_GE(errors_, 4);
  std::cout << "reads of bodies that fail or end early, once and from there on: 4 x " << reads << ", " << errors_
            << " errors answered, " << 4 * reads << " stores opened again\n";
}

}  // namespace
}  // namespace s3link::sqlite_store
