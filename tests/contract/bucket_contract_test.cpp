#include "contract/subjects.hpp"

namespace s3link::contract {
namespace {

class BucketContract : public BucketStoreContract {};

TEST_P(BucketContract, NewBucketIsListedAndFound) {
  ASSERT_TRUE(run_sync(store().create_bucket(bucket_name("another"), at_second(2))));
  const auto buckets = run_sync(store().list_buckets());
  ASSERT_TRUE(buckets);
  ASSERT_EQ(buckets->size(), 2U);
  EXPECT_EQ((*buckets)[0].name.text(), "another");
  EXPECT_EQ((*buckets)[0].created, at_second(2));
  EXPECT_EQ((*buckets)[1].name.text(), "bucket");
  const auto one = run_sync(store().head_bucket(bucket_name("another")));
  ASSERT_TRUE(one);
  EXPECT_EQ(one->created, at_second(2));
}

TEST_P(BucketContract, SecondCreationIsAConflict) {
  const auto again = run_sync(store().create_bucket(bucket_name(), at_second(3)));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::conflict);
  EXPECT_EQ(again.error().code, "BucketAlreadyOwnedByYou");
}

TEST_P(BucketContract, UnknownBucketIsNotFoundByEveryCall) {
  const auto none = bucket_name("none");
  const auto key = object_key("k");
  ports::PutObject request = put_request("k", "none");
  ports::CompleteUpload complete{.bucket = none,
                                 .key = key,
                                 .upload_id = "u",
                                 .parts = {},
                                 .checksum = {},
                                 .modified = {},
                                 .removed_at = {},
                                 .event = {},
                                 .condition = {}};
  ports::ListRequest list{.bucket = none, .prefix = {}, .delimiter = {}, .start_after = {}};
  ports::ListUploadsRequest uploads{
      .bucket = none, .prefix = {}, .delimiter = {}, .key_marker = {}, .upload_id_marker = {}};
  ports::UploadInfo upload{.upload_id = {}, .key = key, .initiated = {}, .headers = {}, .checksum_algorithm = {}};
  EXPECT_EQ(run_sync(store().head_bucket(none)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().delete_bucket(none)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(put(store(), request, "x")).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().head_object(none, key)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().open_object(none, key)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().delete_objects(none, {key})).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().list_objects(list)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().create_upload(none, upload)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().head_upload(none, key, "u")).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().list_parts(none, key, "u", 0, 10)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().list_uploads(uploads)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().complete_upload(complete)).error().code, "NoSuchBucket");
  EXPECT_EQ(run_sync(store().abort_upload(none, key, "u")).error().code, "NoSuchBucket");
}

TEST_P(BucketContract, OnlyAnEmptyBucketIsDeleted) {
  ASSERT_TRUE(put_text("key", "text"));
  const auto refused = run_sync(store().delete_bucket(bucket_name()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "BucketNotEmpty");
  ASSERT_TRUE(run_sync(store().delete_objects(bucket_name(), {object_key("key")})));
  EXPECT_TRUE(run_sync(store().delete_bucket(bucket_name())));
  EXPECT_EQ(run_sync(store().head_bucket(bucket_name())).error().code, "NoSuchBucket");
}

TEST_P(BucketContract, DeletingABucketAbortsItsUploads) {
  const auto upload = run_sync(store().create_upload(
      bucket_name(),
      {.upload_id = {}, .key = object_key("k"), .initiated = at_second(1), .headers = {}, .checksum_algorithm = {}}));
  ASSERT_TRUE(upload);
  ASSERT_TRUE(run_sync(store().delete_bucket(bucket_name())));
  ASSERT_TRUE(run_sync(store().create_bucket(bucket_name(), at_second(5))));
  EXPECT_EQ(run_sync(store().head_upload(bucket_name(), object_key("k"), upload->upload_id)).error().code,
            "NoSuchUpload");
}

TEST_P(BucketContract, OutlivesReopening) {
  subject_->reopen();
  const auto bucket = run_sync(store().head_bucket(bucket_name()));
  ASSERT_TRUE(bucket);
  EXPECT_EQ(bucket->created, at_second(1));
}

S3LINK_INSTANTIATE_CONTRACT(BucketContract);

}  // namespace
}  // namespace s3link::contract
