#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "adapters/sqlite_store/store.hpp"
#include "adapters/sqlite_store/store_hooks.hpp"
#include "core/base/encoding.hpp"
#include "support/run_sync.hpp"

/// What the tests of this folder share.
namespace s3link::sqlite_store {

/// A folder of its own, gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "s3link-store-XXXXXX").string();
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

inline s3::BucketName bucket_name(std::string_view text = "bucket") { return *s3::BucketName::parse(text); }
inline s3::ObjectKey object_key(std::string_view text) { return *s3::ObjectKey::parse(text); }
inline Instant at_second(std::int64_t seconds) { return from_unix_ms(seconds * 1000); }

/// Bytes that do not repeat within a package, so that exchanged packages differ.
inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

inline Result<std::unique_ptr<Store>> open_store(const std::filesystem::path& folder, const StoreHooks& hooks = {}) {
  return Store::open({.data_dir = folder, .master_key = test_master_key(), .region = "us-east-1"}, hooks);
}

/// Writes a body in pieces of `step` bytes.
inline Awaitable<Result<std::unique_ptr<ports::BodyWriter>>> write_body(ports::BucketStore& store, std::string bytes,
                                                                        std::size_t step = 100'000) {
  auto body = co_await store.create_body(bytes.size());
  if (!body) co_return body;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto written = co_await (*body)->write(as_bytes(std::string_view(bytes).substr(at, step)));
    if (!written) co_return std::unexpected(written.error());
  }
  const auto finished = co_await (*body)->finish();
  if (!finished) co_return std::unexpected(finished.error());
  co_return body;
}

inline ports::PutObject put_request(std::string_view key, std::string_view bucket = "bucket") {
  return {.bucket = bucket_name(bucket),
          .key = object_key(key),
          .headers = {},
          .checksum = std::nullopt,
          .modified = at_second(1'700'000'000),
          .removed_at = std::nullopt,
          .event = std::nullopt,
          .condition = {}};
}

inline Awaitable<Result<ports::ObjectInfo>> put(ports::BucketStore& store, ports::PutObject request,
                                                std::string bytes) {
  auto body = co_await write_body(store, std::move(bytes));
  if (!body) co_return std::unexpected(body.error());
  co_return co_await store.put_object(std::move(request), std::move(*body));
}

/// The whole object, read in pieces of `step` bytes.
inline Awaitable<Result<std::string>> get(ports::BucketStore& store, std::string key, std::size_t step = 256 * 1024) {
  auto object = co_await store.open_object(bucket_name(), object_key(key));
  if (!object) co_return std::unexpected(object.error());
  std::string bytes(static_cast<std::size_t>(object->info.size_bytes), '\0');
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    const auto room = std::as_writable_bytes(std::span(bytes)).subspan(offset);
    const auto got = co_await object->body->read_at(offset, room.first(std::min(step, room.size())));
    if (!got) co_return std::unexpected(got.error());
    if (*got == 0) co_return fail(ErrorKind::corrupt, "the object ends early");
    offset += *got;
  }
  co_return bytes;
}

inline std::size_t count_body_files(const std::filesystem::path& data_dir) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_dir / "objects"))
    count += entry.is_regular_file() ? 1 : 0;
  return count;
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
