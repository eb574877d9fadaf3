// What a damaged, exchanged or stolen data folder gives away: an error, and no plaintext.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <fstream>
#include <vector>

#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

void write_file(const fs::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

void execute(const fs::path& database, const char* sql) {
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open(database.c_str(), &raw), SQLITE_OK);
  char* message = nullptr;
  EXPECT_EQ(sqlite3_exec(raw, sql, nullptr, nullptr, &message), SQLITE_OK) << message;
  sqlite3_close(raw);
}

class DamageTest : public StoreTest {
 protected:
  std::vector<fs::path> body_files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path() / "objects"))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);
    return files;
  }
  void edit_database(const char* sql) {
    store_.reset();
    execute(folder_.path() / "s3link.db", sql);
    reopen();
  }
  ErrorKind error_of(const std::string& key) {
    const auto got = get_bytes(key);
    EXPECT_FALSE(got) << key;
    return got ? ErrorKind::internal : got.error().kind;
  }
};

TEST_F(DamageTest, FlippedBitInABodyFileIsNoticedAndItsPackageNotShown) {
  const std::string bytes = pattern(3 * kPackageBytes + 100);
  ASSERT_TRUE(put_bytes("key", bytes));
  const fs::path file = body_files().at(0);
  const std::string stored = read_file(file);
  ASSERT_EQ(stored.size(), kHeaderBytes + bytes.size() + 4 * kTagBytes);
  // In the header, at both ends of each package, in its middle and in its tag.
  std::vector<std::size_t> places = {0, 6, 7};
  for (std::size_t package = 0; package < 4; ++package) {
    const std::size_t start = kHeaderBytes + package * kSealedPackageBytes;
    const std::size_t end = std::min(start + kSealedPackageBytes, stored.size());
    for (const std::size_t at : {start, (start + end) / 2, end - kTagBytes - 1, end - kTagBytes, end - 1})
      places.push_back(at);
  }
  for (const std::size_t at : places) {
    SCOPED_TRACE(at);
    std::string damaged = stored;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write_file(file, damaged);
    EXPECT_EQ(error_of("key"), ErrorKind::corrupt);
    if (at < kHeaderBytes) continue;

    auto object = run_sync(buckets().open_object(bucket_name(), object_key("key")));
    ASSERT_TRUE(object);
    const std::uint64_t bad = (at - kHeaderBytes) / kSealedPackageBytes;
    for (std::uint64_t package = 0; package < 4; ++package) {
      std::string out(1000, '?');
      const auto got = run_sync(object->body->read_at(package * kPackageBytes, std::as_writable_bytes(std::span(out))));
      EXPECT_EQ(got.has_value(), package != bad);
      EXPECT_EQ(out.substr(0, 100) == bytes.substr(package * kPackageBytes, 100), package != bad);
    }
  }
  write_file(file, stored);
  EXPECT_TRUE(get_bytes("key"));
}

TEST_F(DamageTest, ShortenedLengthenedOrReorderedFileIsNoticed) {
  const std::string bytes = pattern(3 * kPackageBytes);
  ASSERT_TRUE(put_bytes("key", bytes));
  const fs::path file = body_files().at(0);
  const std::string stored = read_file(file);
  const auto package = [&](std::size_t index) {
    return stored.substr(kHeaderBytes + index * kSealedPackageBytes, kSealedPackageBytes);
  };
  const std::string header = stored.substr(0, kHeaderBytes);
  for (const std::string& damaged :
       {stored.substr(0, stored.size() - 1), stored.substr(0, kHeaderBytes + 2 * kSealedPackageBytes), std::string(),
        header + package(1) + package(0) + package(2), header + package(0) + package(0) + package(2)}) {
    write_file(file, damaged);
    EXPECT_EQ(error_of("key"), ErrorKind::corrupt);
  }
  fs::remove(file);
  EXPECT_EQ(error_of("key"), ErrorKind::corrupt);
}

TEST_F(DamageTest, WhatIsNoRegularFileIsNoBodyAndKeepsNobodyWaiting) {
  ASSERT_TRUE(put_bytes("key", pattern(2 * kPackageBytes)));
  const fs::path file = body_files().at(0);
  const fs::path elsewhere = folder_.path() / "elsewhere";
  fs::rename(file, elsewhere);
  fs::create_symlink(elsewhere, file);
  EXPECT_EQ(error_of("key"), ErrorKind::corrupt) << "a symbolic link, even to the right bytes";
  fs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  EXPECT_EQ(error_of("key"), ErrorKind::corrupt) << "a pipe that nobody writes into";
  fs::remove(file);
  fs::create_directory(file);
  EXPECT_EQ(error_of("key"), ErrorKind::corrupt) << "a folder";
  fs::remove(file);
  fs::rename(elsewhere, file);
  EXPECT_TRUE(get_bytes("key"));
}

TEST_F(DamageTest, ALockThatIsASymbolicLinkIsNotFollowed) {
  store_.reset();
  for (const char* const name : {"lock", "backup.lock"}) {
    SCOPED_TRACE(name);
    const fs::path victim = folder_.path() / "victim";
    write_file(victim, "precious");
    fs::remove(folder_.path() / name);
    fs::create_symlink(victim, folder_.path() / name);
    const auto opened = open_store(folder_.path());
    ASSERT_FALSE(opened);
    EXPECT_TRUE(opened.error().message.contains((folder_.path() / name).string())) << opened.error().message;
    EXPECT_EQ(read_file(victim), "precious");
    fs::remove(folder_.path() / name);
  }
  reopen();
}

TEST_F(DamageTest, ALockThatWasRemovedKeepsOthersOut) {
  for (const bool replaced : {false, true}) {
    fs::remove(folder_.path() / "lock");
    if (replaced) write_file(folder_.path() / "lock", "");
    const auto second = open_store(folder_.path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::conflict);
    EXPECT_TRUE(second.error().message.contains("in use by another process")) << second.error().message;
  }
  EXPECT_TRUE(put_bytes("key", "x"));
  reopen();
}

TEST_F(DamageTest, ADatabaseThatIsMissingBesideBodiesIsNotMadeAnew) {
  ASSERT_TRUE(put_bytes("key", pattern(2 * kPackageBytes)));
  store_.reset();
  const fs::path database = folder_.path() / "s3link.db";
  fs::rename(database, folder_.path() / "kept");
  for (const bool empty : {false, true}) {
    if (empty) write_file(database, "");
    const auto refused = open_store(folder_.path());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
    EXPECT_TRUE(refused.error().message.contains("s3link.db is missing or empty")) << refused.error().message;
    EXPECT_EQ(body_files().size(), 1U);
  }
  fs::rename(folder_.path() / "kept", database);
  reopen();
  EXPECT_TRUE(get_bytes("key"));
}

TEST_F(DamageTest, ALogWithoutItsDatabaseIsNotForgotten) {
  store_.reset();
  fs::remove(folder_.path() / "s3link.db");
  write_file(folder_.path() / "s3link.db-wal", "something");
  const auto refused = open_store(folder_.path());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::conflict);
  EXPECT_EQ(read_file(folder_.path() / "s3link.db-wal"), "something");
}

TEST_F(DamageTest, BodiesThatAreAwayForAWhileEndNothing) {
  const std::string bytes = pattern(2 * kPackageBytes);
  ASSERT_TRUE(put_bytes("stays", bytes));
  ports::PutObject expiring = put_request("goes");
  expiring.removed_at = at_second(1'700'000'100);
  ASSERT_TRUE(run_sync(put(buckets(), std::move(expiring), bytes)));
  const fs::path objects = folder_.path() / "objects";
  fs::rename(objects, folder_.path() / "away");
  EXPECT_FALSE(run_sync(buckets().remove_expired(at_second(1'700'000'200), 10))) << "the file cannot be unlinked";
  const auto refused = put_bytes("new", bytes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "ServiceUnavailable") << refused.error().message;
  EXPECT_TRUE(put_bytes("small", "x"));
  EXPECT_TRUE(buckets().writable()) << buckets().writable().error().message;
  fs::rename(folder_.path() / "away", objects);
  EXPECT_TRUE(put_bytes("new", bytes));
  EXPECT_EQ(get_bytes("stays").value_or("unreadable"), bytes);
  // The cleaner's thread tries again by itself.
  for (int i = 0; i < 400 && body_files().size() > 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(25));
  EXPECT_EQ(body_files().size(), 2U);
  // A folder of bodies that is gone for good is made anew.
  for (const auto& entry : fs::directory_iterator(objects)) fs::remove_all(entry.path());
  EXPECT_TRUE(put_bytes("newest", bytes));
  EXPECT_EQ(get_bytes("newest").value_or("unreadable"), bytes);
}

TEST_F(DamageTest, WrongSizeInTheRowIsNoticed) {
  ASSERT_TRUE(put_bytes("key", pattern(2 * kPackageBytes)));
  edit_database("UPDATE bodies SET size=65536; UPDATE objects SET size=65536");
  EXPECT_EQ(error_of("key"), ErrorKind::corrupt);
  edit_database("UPDATE bodies SET size=100000");
  EXPECT_EQ(error_of("key"), ErrorKind::corrupt);
}

TEST_F(DamageTest, ExchangedBodiesAreNoticed) {
  ASSERT_TRUE(put_bytes("one", pattern(100'000, 1)));
  ASSERT_TRUE(put_bytes("two", pattern(100'000, 2)));
  ASSERT_TRUE(put_bytes("three", "aaaa"));
  ASSERT_TRUE(put_bytes("four", "bbbb"));
  const auto files = body_files();
  ASSERT_EQ(files.size(), 2U);
  const std::string first = read_file(files[0]);
  write_file(files[0], read_file(files[1]));
  write_file(files[1], first);
  EXPECT_EQ(error_of("one"), ErrorKind::corrupt);
  EXPECT_EQ(error_of("two"), ErrorKind::corrupt);
  edit_database(
      "CREATE TEMP TABLE t AS SELECT id, sealed FROM small_bodies;"
      "UPDATE small_bodies SET sealed=(SELECT sealed FROM t WHERE t.id<>small_bodies.id)");
  EXPECT_EQ(error_of("three"), ErrorKind::corrupt);
  EXPECT_EQ(error_of("four"), ErrorKind::corrupt);
}

TEST_F(DamageTest, FlippedBitInASmallBodyOrItsKeyIsNoticed) {
  ASSERT_TRUE(put_bytes("key", "secret content"));
  edit_database("UPDATE small_bodies SET sealed=CAST(x'00' || substr(sealed, 2) AS BLOB)");
  EXPECT_EQ(error_of("key"), ErrorKind::corrupt);
  ASSERT_TRUE(put_bytes("key2", "secret content"));
  edit_database("UPDATE bodies SET wrapped_key=CAST(substr(wrapped_key, 1, 59) || x'00' AS BLOB)");
  EXPECT_EQ(error_of("key2"), ErrorKind::corrupt);
}

TEST_F(DamageTest, StolenFolderShowsNoPlaintext) {
  const std::string marker = "the-marker-of-plaintext";
  std::string large;
  while (large.size() < 200'000) large += marker;
  ASSERT_TRUE(put_bytes("small", marker));
  ASSERT_TRUE(put_bytes("large", large));
  const auto search = [&] {
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      if (!entry.is_regular_file()) continue;
      ++files;
      EXPECT_EQ(read_file(entry.path()).find(marker), std::string::npos) << entry.path();
    }
    EXPECT_GE(files, 3U);
  };
  search();
  store_.reset();
  search();
}

TEST_F(DamageTest, RemovedObjectsKeyIsNoLongerInTheDatabase) {
  ASSERT_TRUE(put_bytes("stays", "x"));
  ASSERT_TRUE(put_bytes("goes", pattern(100'000)));
  std::string wrapped;
  store_.reset();
  {
    sqlite3* raw = nullptr;
    ASSERT_EQ(sqlite3_open((folder_.path() / "s3link.db").c_str(), &raw), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(raw, "SELECT wrapped_key FROM bodies WHERE small IS NULL", -1, &statement, nullptr),
              SQLITE_OK);
    ASSERT_EQ(sqlite3_step(statement), SQLITE_ROW);
    wrapped.assign(static_cast<const char*>(sqlite3_column_blob(statement, 0)), KeyWrap::kWrappedBytes);
    sqlite3_finalize(statement);
    sqlite3_close(raw);
  }
  EXPECT_NE(read_file(folder_.path() / "s3link.db").find(wrapped), std::string::npos);
  reopen();
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("goes")})));
  // The cleaner unlinks the file after the commit, on its own thread.
  for (int i = 0; i < 400 && count_body_files(folder_.path()) > 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(25));
  }
  EXPECT_EQ(count_body_files(folder_.path()), 0U);
  store_.reset();
  EXPECT_EQ(read_file(folder_.path() / "s3link.db").find(wrapped), std::string::npos);
}

TEST_F(DamageTest, LogIsCutSoonAfterTheLastWrite) {
  ASSERT_TRUE(put_bytes("key", "x"));
  const fs::path log = folder_.path() / "s3link.db-wal";
  for (int i = 0; i < 400 && fs::file_size(log) > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(25));
  EXPECT_EQ(fs::file_size(log), 0U);
}

}  // namespace
}  // namespace s3link::sqlite_store
