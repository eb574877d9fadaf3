#include "adapters/sqlite_store/store.hpp"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "adapters/sqlite_store/store_fixture_test.hpp"
#include "core/base/digest.hpp"

namespace s3link::sqlite_store {
namespace {

namespace fs = std::filesystem;

class RoundTripTest : public StoreTest, public testing::WithParamInterface<std::size_t> {};

TEST_P(RoundTripTest, GivesBackWhatWasStoredAlsoAfterReopening) {
  const std::string bytes = pattern(GetParam());
  const auto info = put_bytes("key", bytes);
  ASSERT_TRUE(info) << info.error().message;
  EXPECT_EQ(info->size_bytes, bytes.size());
  EXPECT_EQ(info->etag, hex_encode(md5(bytes)));
  EXPECT_EQ(info->sha256, sha256(bytes));
  const auto got = get_bytes("key");
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_TRUE(*got == bytes);
  reopen();
  const auto again = get_bytes("key");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_TRUE(*again == bytes);
}

TEST_P(RoundTripTest, AnyRangeIsThatPartOfThePlaintext) {
  const std::string bytes = pattern(GetParam(), 7);
  ASSERT_TRUE(put_bytes("key", bytes));
  auto object = run_sync(buckets().open_object(bucket_name(), object_key("key")));
  ASSERT_TRUE(object);
  std::uint32_t state = 99;
  const auto random = [&state](std::size_t below) {
    state = state * 1664525U + 1013904223U;
    return below == 0 ? 0 : (std::size_t{state} * 7919) % below;
  };
  for (int round = 0; round < 60; ++round) {
    const std::size_t offset = random(bytes.size() + 10);
    std::string out(random(256 * 1024) + 1, '?');
    const auto got = run_sync(object->body->read_at(offset, std::as_writable_bytes(std::span(out))));
    ASSERT_TRUE(got) << got.error().message;
    const std::string_view want = offset < bytes.size() ? std::string_view(bytes).substr(offset, out.size()) : "";
    ASSERT_EQ(*got, want.size());
    ASSERT_TRUE(std::string_view(out).substr(0, *got) == want) << "offset " << offset;
  }
}

constexpr std::size_t kKiB = 1024;
INSTANTIATE_TEST_SUITE_P(Sizes, RoundTripTest,
                         testing::Values(0, 1, 4 * kKiB, 16 * kKiB - 1, 16 * kKiB, 16 * kKiB + 1, 64 * kKiB - 1,
                                         64 * kKiB, 64 * kKiB + 1, 256 * kKiB - 1, 256 * kKiB, 256 * kKiB + 1,
                                         512 * kKiB, 9 * kKiB * kKiB),
                         testing::PrintToStringParamName());

TEST_F(StoreTest, OnlyLargeBodiesBecomeFiles) {
  ASSERT_TRUE(put_bytes("small", pattern(16 * kKiB)));
  EXPECT_EQ(count_body_files(folder_.path()), 0U);
  ASSERT_TRUE(put_bytes("large", pattern(16 * kKiB + 1)));
  EXPECT_EQ(count_body_files(folder_.path()), 1U);
}

TEST_F(StoreTest, ASecondOpeningOfTheSameFolderIsRefused) {
  const auto second = open_store(folder_.path());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind, ErrorKind::conflict);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos) << second.error().message;
}

TEST_F(StoreTest, AnotherMasterKeyIsRefused) {
  store_.reset();
  const auto wrong = Store::open({.data_dir = folder_.path(), .master_key = test_master_key('x'), .region = "r"});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::denied);
  reopen();
}

TEST_F(StoreTest, AMasterKeyOfAnotherLengthIsRefused) {
  const auto wrong =
      Store::open({.data_dir = folder_.path(), .master_key = Secret(std::string(31, 'k')), .region = ""});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().kind, ErrorKind::invalid_argument);
}

TEST_F(StoreTest, ANewerSchemaIsRefused) {
  store_.reset();
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((folder_.path() / "s3link.db").c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "PRAGMA user_version=99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  const auto newer = open_store(folder_.path());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().kind, ErrorKind::conflict);
  EXPECT_NE(newer.error().message.find("99"), std::string::npos);
}

TEST_F(StoreTest, AnotherProgramsDatabaseIsRefused) {
  const TemporaryFolder other;
  sqlite3* raw = nullptr;
  ASSERT_EQ(sqlite3_open((other.path() / "s3link.db").c_str(), &raw), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(raw, "CREATE TABLE t(x)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(raw);
  const auto opened = open_store(other.path());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().kind, ErrorKind::conflict);
}

}  // namespace
}  // namespace s3link::sqlite_store
