// What a bucket with a quota takes, and what it refuses.
#include "adapters/sqlite_store/quota.hpp"

#include <gtest/gtest.h>

#include "adapters/sqlite_store/store_fixture_test.hpp"

namespace s3link::sqlite_store {
namespace {

class QuotaTest : public StoreTest {
 protected:
  void limit(std::optional<std::uint64_t> max_bytes, std::optional<std::uint64_t> max_objects) {
    store_.reset();
    auto opened = Store::open({.data_dir = folder_.path(),
                               .master_key = test_master_key(),
                               .region = "us-east-1",
                               .quota = {.bucket = "bucket", .max_bytes = max_bytes, .max_objects = max_objects}});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  std::string outcome(const Status& done) { return done ? "taken" : done.error().code; }
  template <class T>
  std::string outcome(const Result<T>& done) {
    return done ? "taken" : done.error().code;
  }
  std::string put_it(const std::string& key, std::size_t size) { return outcome(put_bytes(key, pattern(size))); }
  std::string announce(const std::string& key, std::uint64_t size, const std::string& upload = {}, unsigned part = 0) {
    return outcome(run_sync(buckets().check_quota(
        {.bucket = bucket_name(), .key = object_key(key), .size_bytes = size, .upload_id = upload, .part = part})));
  }
  std::string begin(const std::string& key) {
    const auto upload = run_sync(buckets().create_upload(
        bucket_name(),
        {.upload_id = {}, .key = object_key(key), .initiated = at_second(1), .headers = {}, .checksum_algorithm = {}}));
    return upload ? upload->upload_id : "";
  }
  Result<ports::PartInfo> put_part(const std::string& key, const std::string& upload, unsigned number,
                                   std::size_t size) {
    auto body = run_sync(write_body(buckets(), pattern(size)));
    if (!body) return std::unexpected(body.error());
    return run_sync(buckets().put_part(bucket_name(), object_key(key), upload, number, std::nullopt, at_second(2),
                                       std::move(*body)));
  }
  Result<ports::ObjectInfo> complete(const std::string& key, const std::string& upload, const ports::PartInfo& part) {
    return run_sync(buckets().complete_upload({.bucket = bucket_name(),
                                               .key = object_key(key),
                                               .upload_id = upload,
                                               .parts = {{part.number, part.etag, std::nullopt}},
                                               .checksum = std::nullopt,
                                               .modified = at_second(3),
                                               .removed_at = std::nullopt,
                                               .event = std::nullopt,
                                               .condition = {}}));
  }
};

TEST_F(QuotaTest, BytesOfAllObjectsAreLimited) {
  limit(1000, std::nullopt);
  EXPECT_EQ(put_it("a", 600), "taken");
  EXPECT_EQ(announce("b", 401), "QuotaExceeded");
  EXPECT_EQ(put_it("b", 401), "QuotaExceeded");
  EXPECT_FALSE(get_bytes("b"));
  EXPECT_EQ(announce("b", 400), "taken");
  EXPECT_EQ(put_it("b", 400), "taken");
  EXPECT_EQ(announce("c", 0), "taken") << "nothing more";
  EXPECT_EQ(put_it("c", 1), "QuotaExceeded");
  ASSERT_TRUE(run_sync(buckets().delete_objects(bucket_name(), {object_key("a")})));
  EXPECT_EQ(put_it("c", 600), "taken");
}

TEST_F(QuotaTest, WhatReplacesCountsByTheDifference) {
  limit(1000, 1);
  EXPECT_EQ(put_it("a", 900), "taken");
  EXPECT_EQ(announce("a", 1000), "taken");
  EXPECT_EQ(put_it("a", 1000), "taken");
  EXPECT_EQ(announce("a", 1001), "QuotaExceeded");
  EXPECT_EQ(put_it("a", 1001), "QuotaExceeded");
  EXPECT_EQ(run_sync(buckets().head_object(bucket_name(), object_key("a")))->size_bytes, 1000U);
}

TEST_F(QuotaTest, ObjectsAreCounted) {
  limit(std::nullopt, 2);
  EXPECT_EQ(put_it("a", 10), "taken");
  EXPECT_EQ(put_it("b", 10), "taken");
  EXPECT_EQ(announce("c", 10), "QuotaExceeded");
  EXPECT_EQ(put_it("c", 10), "QuotaExceeded");
  EXPECT_EQ(put_it("b", 100'000), "taken");
}

TEST_F(QuotaTest, PartsOfUnfinishedUploadsCount) {
  limit(1000, 1);
  const std::string upload = begin("big");
  const auto part = put_part("big", upload, 1, 700);
  ASSERT_TRUE(part);
  EXPECT_EQ(announce("small", 301), "QuotaExceeded");
  EXPECT_EQ(put_it("small", 301), "QuotaExceeded");
  EXPECT_EQ(announce("big", 301, upload, 2), "QuotaExceeded");
  EXPECT_EQ(outcome(put_part("big", upload, 2, 301)), "QuotaExceeded");
  EXPECT_EQ(announce("big", 1000, upload, 1), "taken") << "the same part again";
  const auto again = put_part("big", upload, 1, 1000);
  ASSERT_TRUE(again);
  EXPECT_EQ(outcome(complete("big", upload, *again)), "taken") << "adds no byte";

  const std::string another = begin("other");
  ASSERT_FALSE(another.empty());
  const auto empty = put_part("other", another, 1, 0);
  ASSERT_TRUE(empty);
  EXPECT_EQ(outcome(complete("other", another, *empty)), "QuotaExceeded") << "one object too many";
  EXPECT_TRUE(run_sync(buckets().head_upload(bucket_name(), object_key("other"), another))) << "and nothing is lost";
}

TEST_F(QuotaTest, ALimitThatIsLoweredKeepsWhatIsThereAndLetsItShrink) {
  EXPECT_EQ(put_it("a", 1000), "taken");
  EXPECT_EQ(put_it("b", 1000), "taken");
  limit(500, 1);
  EXPECT_TRUE(get_bytes("a"));
  EXPECT_EQ(put_it("a", 1001), "QuotaExceeded");
  EXPECT_EQ(put_it("a", 900), "taken");
}

TEST_F(QuotaTest, OtherBucketsHaveNone) {
  limit(1, 1);
  ASSERT_TRUE(run_sync(buckets().create_bucket(bucket_name("other"), at_second(1))));
  for (const auto* const key : {"a", "b"})
    EXPECT_TRUE(run_sync(put(buckets(), put_request(key, "other"), pattern(1000))));
}

}  // namespace
}  // namespace s3link::sqlite_store
