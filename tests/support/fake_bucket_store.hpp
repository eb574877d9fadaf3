#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ports/bucket_store.hpp"
#include "ports/clock.hpp"

namespace s3link::test_support {

/// Buckets in memory, with the contract of the port and failures to order. Thread-safe but for the public members,
/// which a test sets and reads while nothing runs.
class FakeBucketStore final : public ports::BucketStore {
 public:
  struct Event {
    ports::EventOrigin origin;
    ports::ObjectInfo object;
  };

  /// An object is not found any more once the clock has reached its removed_at.
  explicit FakeBucketStore(ports::Clock& clock) : clock_(clock) {}

  std::vector<Event> events;                          ///< one for each write that had an EventOrigin, in order
  std::map<std::string, std::deque<Error>> failures;  ///< by the method's name, e.g. "put_object", "write", "read_at"
  std::optional<Error> unwritable;                    ///< what writable() says
  std::uint64_t min_part_bytes = std::uint64_t{5} * 1024 * 1024;
  std::vector<AnnouncedBody> announced;  ///< what check_quota() was asked, in order
  int open_bodies = 0;                   ///< bodies being written that are neither committed nor dropped

  Awaitable<Result<std::vector<ports::BucketInfo>>> list_buckets() override;
  Awaitable<Result<ports::BucketInfo>> head_bucket(s3::BucketName bucket) override;
  Awaitable<Status> create_bucket(s3::BucketName bucket, Instant created) override;
  Awaitable<Status> delete_bucket(s3::BucketName bucket) override;
  Awaitable<Result<std::unique_ptr<ports::BodyWriter>>> create_body(
      std::optional<std::uint64_t> expected_bytes) override;
  Awaitable<Status> check_quota(AnnouncedBody body) override;
  Awaitable<Result<ports::ObjectInfo>> put_object(ports::PutObject put,
                                                  std::unique_ptr<ports::BodyWriter> body) override;
  Awaitable<Result<ports::ObjectInfo>> head_object(s3::BucketName bucket, s3::ObjectKey key) override;
  Awaitable<Result<OpenObject>> open_object(s3::BucketName bucket, s3::ObjectKey key) override;
  Awaitable<Result<std::string>> object_sha256(s3::BucketName bucket, s3::ObjectKey key,
                                               std::string sequencer) override;
  Awaitable<Result<std::vector<DeleteOutcome>>> delete_objects(s3::BucketName bucket,
                                                               std::vector<s3::ObjectKey> keys) override;
  Awaitable<Result<ports::ListPage>> list_objects(ports::ListRequest request) override;
  Awaitable<Result<ports::UploadInfo>> create_upload(s3::BucketName bucket, ports::UploadInfo upload) override;
  Awaitable<Result<ports::PartInfo>> put_part(s3::BucketName bucket, s3::ObjectKey key, std::string upload_id,
                                              unsigned number, std::optional<ports::ObjectChecksum> checksum,
                                              Instant modified, std::unique_ptr<ports::BodyWriter> body) override;
  Awaitable<Result<ports::UploadInfo>> head_upload(s3::BucketName bucket, s3::ObjectKey key,
                                                   std::string upload_id) override;
  Awaitable<Result<std::vector<ports::PartInfo>>> list_parts(s3::BucketName bucket, s3::ObjectKey key,
                                                             std::string upload_id, unsigned after,
                                                             std::size_t max_parts) override;
  Awaitable<Result<ports::UploadsPage>> list_uploads(ports::ListUploadsRequest request) override;
  Awaitable<Result<ports::ObjectInfo>> complete_upload(ports::CompleteUpload complete) override;
  Awaitable<Status> abort_upload(s3::BucketName bucket, s3::ObjectKey key, std::string upload_id) override;
  Awaitable<Result<std::size_t>> remove_expired(Instant now, std::size_t limit) override;
  Awaitable<Result<std::optional<Instant>>> next_removal() override;
  Status writable() const override;
  Awaitable<Result<s3::LifecycleRules>> lifecycle(s3::BucketName bucket) override;
  Awaitable<Status> put_lifecycle(s3::BucketName bucket, s3::LifecycleRules rules) override;
  Awaitable<Result<bool>> apply_lifecycle(s3::BucketName bucket, std::chrono::seconds otherwise,
                                          std::size_t limit) override;
  Awaitable<Result<std::size_t>> abort_old_uploads(Instant now, std::size_t limit) override;
  void on_lifecycle_change(std::function<void()> wake) override;

 private:
  struct Object {
    ports::ObjectInfo info;
    std::shared_ptr<const std::string> bytes;
  };
  struct Part {
    ports::PartInfo info;
    std::string bytes;
  };
  struct Upload {
    ports::UploadInfo info;
    std::map<unsigned, Part> parts;
    Instant abort_at;
  };
  struct Bucket {
    Instant created;
    std::map<std::string, Object> objects;                          // by key
    std::map<std::pair<std::string, std::string>, Upload> uploads;  // by key and upload id
    std::map<std::pair<std::string, std::string>, Object> completed;
    s3::LifecycleRules rules;
    std::optional<std::string> rules_applied_to;  // the last object's key; empty optional: to all
  };
  class Writer;
  class Reader;

  /// The next failure ordered for that method, if any.
  Status ordered(const std::string& method);
  Result<Bucket*> find(const s3::BucketName& bucket);
  Result<Upload*> find(const s3::BucketName& bucket, const s3::ObjectKey& key, const std::string& upload_id);
  /// Null when there is none, or its time is over.
  Object* find(Bucket& bucket, const std::string& key);
  Status check(Bucket& bucket, const s3::ObjectKey& key, const ports::WriteCondition& condition);
  /// Lets the bucket's rules decide over the removal.
  static void decide_removal(const Bucket& bucket, ports::ObjectInfo& object);
  void commit(Bucket& bucket, Object object, const std::optional<ports::EventOrigin>& event);

  ports::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Bucket> buckets_;
  std::uint64_t commits_ = 0;
  std::uint64_t uploads_begun_ = 0;
  std::function<void()> lifecycle_changed_;
};

}  // namespace s3link::test_support
