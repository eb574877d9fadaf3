#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "adapters/sqlite_store/body_files.hpp"
#include "adapters/sqlite_store/body_set.hpp"
#include "adapters/sqlite_store/cleaner.hpp"
#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/health.hpp"
#include "adapters/sqlite_store/object_rows.hpp"
#include "adapters/sqlite_store/quota.hpp"
#include "adapters/sqlite_store/reader_pool.hpp"
#include "adapters/sqlite_store/work_pool.hpp"
#include "ports/bucket_store.hpp"

namespace s3link::sqlite_store {

/// What the ports' implementations share; all of it outlives them.
struct StoreContext {
  CommitQueue& queue;
  ReaderPool& readers;
  BodyFiles& files;
  OpenBodySets& sets;
  Cleaner& cleaner;
  Health& health;
  WorkPool& pool;
  const KeyWrap& keys;
  std::string region;
  std::uint64_t max_pending;
  BucketQuota quota;
  std::function<Instant()> now;
};

/// ports::BucketStore over the database and the body files. Reads of rows run on the caller's thread (microseconds),
/// writes on the commit queue's.
class SqliteBucketStore final : public ports::BucketStore {
 public:
  explicit SqliteBucketStore(StoreContext& context) : context_(context) {}

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
  struct Found {
    ports::ObjectInfo info;
    OpenBodySets::Shared set;
  };
  /// The object's row and its bodies, which stay readable as long as the set is held.
  Result<Found> find_and_hold(const s3::BucketName& bucket, const s3::ObjectKey& key);
  /// SHA-256 of the whole, read piece by piece on the pool.
  Awaitable<Result<std::string>> digest(OpenBodySets::Shared set);

  StoreContext& context_;
  std::mutex mutex_;  ///< over lifecycle_changed_
  std::function<void()> lifecycle_changed_;
};

}  // namespace s3link::sqlite_store
