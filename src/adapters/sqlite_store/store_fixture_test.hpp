#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include "adapters/sqlite_store/connection.hpp"
#include "adapters/sqlite_store/package_cipher.hpp"
#include "adapters/sqlite_store/row_seal.hpp"
#include "adapters/sqlite_store/schema.hpp"
#include "adapters/sqlite_store/store.hpp"
#include "adapters/sqlite_store/store_hooks.hpp"
#include "support/bucket_store_calls.hpp"
#include "support/run_sync.hpp"

/// What the tests of this folder share.
namespace s3link::sqlite_store {

using namespace test_support;  // NOLINT(google-build-using-namespace): tests

/// A folder of its own, gone at the end.
class TemporaryFolder {
 public:
  enum class Place {
    disk,
    memory  ///< where syncs cost nothing, if the machine has such a place: for tests that play their failures
  };
  explicit TemporaryFolder(Place place = Place::disk) {
    const std::filesystem::path memory = "/dev/shm";
    std::error_code none;
    const bool in_memory =
        place == Place::memory && std::filesystem::space(memory, none).available > (256U << 20) && !none;
    std::string name = ((in_memory ? memory : std::filesystem::temp_directory_path()) / "s3link-store-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

inline Secret test_master_key(char filler = 'k') { return Secret(std::string(32, filler)); }

inline Result<std::unique_ptr<Store>> open_store(const std::filesystem::path& folder, const StoreHooks& hooks = {}) {
  return Store::open({.data_dir = folder, .master_key = test_master_key(), .region = "us-east-1"}, hooks);
}

/// What opens a database of this program to the tests' own SQL: the seals of test_master_key().
inline void add_test_seals(Connection& db) {
  static const RowSeals seals(test_master_key());
  seals.add_to(db);
}

/// Gives a database of version 1 to 4 the row that says which master key it is under.
inline void add_old_key_check(Connection& db) {
  const std::string check = KeyWrap(test_master_key()).wrap(Secret(std::string(32, '\0')), BodyId{});
  db.run("INSERT OR REPLACE INTO meta VALUES('key_check', ?1)", Blob{check});
}

/// Takes the database of a closed store back to version 4, before there were seals.
inline void make_version_4(const std::filesystem::path& data_dir) {
  auto db = Connection::open(data_dir / "s3link.db", Connection::Mode::writer, nullptr);
  ASSERT_TRUE(db);
  (*db)->script(
      "ALTER TABLE buckets DROP COLUMN seal; ALTER TABLE objects DROP COLUMN seal; ALTER TABLE bodies DROP COLUMN seal;"
      "ALTER TABLE uploads DROP COLUMN seal; ALTER TABLE lifecycle_rules DROP COLUMN seal;"
      "ALTER TABLE access_log_journal DROP COLUMN seal; PRAGMA user_version=4");
  add_old_key_check(**db);
  ASSERT_TRUE((*db)->ok()) << (*db)->error().message;
}

inline std::size_t count_body_files(const std::filesystem::path& data_dir) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_dir / "objects"))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
}

/// What to ask for, for all that a test has put into the bucket "bucket".
inline ports::ListRequest all_objects() {
  ports::ListRequest request{.bucket = bucket_name(), .prefix = {}, .delimiter = {}, .start_after = {}};
  request.max_entries = 1000;
  return request;
}

inline ports::ListUploadsRequest all_uploads() {
  return {.bucket = bucket_name(),
          .prefix = {},
          .delimiter = {},
          .key_marker = {},
          .upload_id_marker = {},
          .max_uploads = 10};
}

/// An upload whose event goes to the outbox. Returns its sequencer.
inline std::string put_with_event(Store& store, ports::PutObject request, std::string trace = "") {
  request.event = ports::EventOrigin{.event_name = "ObjectCreated:Put",
                                     .region = "",
                                     .principal = "p",
                                     .source_ip = "::1",
                                     .request_id = "R",
                                     .trace = std::move(trace)};
  const auto info = run_sync(put(store.buckets(), std::move(request), "x"));
  EXPECT_TRUE(info);
  return info ? info->sequencer : "";
}

/// A store in a folder of its own with the bucket "bucket".
class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    reopen();
    ASSERT_TRUE(test_support::run_sync(buckets().create_bucket(bucket_name(), at_second(1))));
  }
  void reopen(const StoreHooks& hooks = {}) {
    store_.reset();
    auto opened = open_store(folder_.path(), hooks);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  ports::BucketStore& buckets() { return store_->buckets(); }
  Result<ports::ObjectInfo> put_bytes(std::string_view key, std::string bytes) {
    return test_support::run_sync(put(buckets(), put_request(key), std::move(bytes)));
  }
  Result<std::string> get_bytes(std::string key) { return test_support::run_sync(get(buckets(), std::move(key))); }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace s3link::sqlite_store
