#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/instant.hpp"
#include "core/base/result.hpp"
#include "core/s3/conditions.hpp"
#include "core/s3/names.hpp"
#include "core/s3/object_headers.hpp"
#include "ports/awaitable.hpp"
#include "ports/lifecycle_store.hpp"

namespace s3link::ports {

struct BucketInfo {
  s3::BucketName name;
  Instant created;
};

using s3::ObjectChecksum;
using s3::ObjectHeaders;
using s3::WriteCondition;

struct ObjectInfo {
  s3::BucketName bucket;
  s3::ObjectKey key;
  std::uint64_t size_bytes = 0;
  std::string etag;  ///< hexadecimal MD5, or "<md5 of md5s>-<parts>"; without quotes
  Instant modified;
  std::optional<Instant> removed_at;  ///< when the object is removed; from then on it is not found
  std::string removal_rule;           ///< id of the lifecycle rule that says so; empty: none does
  std::string sequencer;              ///< commit that made it visible: distinguishes versions under one key
  ObjectHeaders headers;
  std::optional<ObjectChecksum> checksum;
  std::optional<std::string> sha256;      ///< raw, of the whole; absent for multipart objects until asked for
  std::vector<std::uint64_t> part_sizes;  ///< empty unless made by multipart upload
};

/// Size and digests (raw bytes) of a finished body.
struct BodyDigests {
  std::uint64_t size_bytes = 0;
  std::string md5;
  std::string sha256;
};

/// A body on its way into the store: encrypted as it comes, invisible until committed by put_object or put_part.
/// Destroyed uncommitted, it leaves nothing behind (after a crash: once the store is opened again).
/// Thread safety: one call at a time.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;

  /// At most 256 KiB at a time; does not keep the span. Errors: transient (no space), internal (I/O).
  virtual Awaitable<Status> write(std::span<const std::byte> data) = 0;
  /// No more writes. The bytes are on disk, synced (large bodies), or held for the commit (small ones).
  virtual Awaitable<Result<BodyDigests>> finish() = 0;
};

/// Reads a stored body in any order. It stays readable when its object is removed meanwhile.
/// Thread safety: one call at a time.
class BodyReader {
 public:
  virtual ~BodyReader() = default;

  /// Fills `out` (at most 256 KiB) with the plaintext at `offset`; decrypts only the packages it touches.
  /// Returns the bytes read: all of `out`, less only at the end. Errors: corrupt (authentication failed), internal.
  virtual Awaitable<Result<std::size_t>> read_at(std::uint64_t offset, std::span<std::byte> out) = 0;
};

/// What the event record of a write says about the request. Present in a write means: an outbox row is committed in the
/// same transaction as the object.
struct EventOrigin {
  std::string event_name;  ///< "ObjectCreated:Put"
  std::string region;
  std::string principal;
  std::string source_ip;
  std::string request_id;
  std::string trace = {};  ///< of the request, in the form of X-Amzn-Trace-Id with the request as parent; empty: none
};

struct PutObject {
  s3::BucketName bucket;
  s3::ObjectKey key;
  ObjectHeaders headers;
  std::optional<ObjectChecksum> checksum;
  Instant modified;
  std::optional<Instant> removed_at;  ///< unless a lifecycle rule of the bucket says otherwise
  std::optional<EventOrigin> event;
  WriteCondition condition;
};

struct ListRequest {
  s3::BucketName bucket;
  std::string prefix;
  std::string delimiter;  ///< empty: none
  std::string
      start_after;  ///< exclusive; a key, or a common prefix already listed (then all keys below it are skipped)
  std::size_t max_entries = 1000;  ///< keys and common prefixes together, 0 to 1000
};

struct ListPage {
  std::vector<ObjectInfo>
      objects;  ///< by UTF-8 byte order; without headers, checksum, sha256, part_sizes, removal_rule
  std::vector<std::string> common_prefixes;  ///< in the same order
  bool truncated = false;
  std::string last;  ///< what the next request's start_after is
};

struct UploadInfo {
  std::string upload_id;
  s3::ObjectKey key;
  Instant initiated;
  ObjectHeaders headers;
  std::string checksum_algorithm;   ///< empty: none was asked for
  bool checksum_composite = false;  ///< x-amz-checksum-type: COMPOSITE
};

struct PartInfo {
  unsigned number = 0;  ///< 1 to 10,000
  std::uint64_t size_bytes = 0;
  std::string etag;  ///< hexadecimal MD5
  Instant modified;
  std::optional<ObjectChecksum> checksum;
};

struct UploadsPage {
  std::vector<UploadInfo> uploads;  ///< by key, then upload id
  std::vector<std::string> common_prefixes;
  bool truncated = false;
};

struct ListUploadsRequest {
  s3::BucketName bucket;
  std::string prefix;
  std::string delimiter;
  std::string key_marker;        ///< exclusive
  std::string upload_id_marker;  ///< with key_marker: uploads of that key after this id, too
  std::size_t max_uploads = 1000;
};

struct CompletePart {
  unsigned number = 0;
  std::string etag;  ///< without quotes
  std::optional<ObjectChecksum> checksum;
};

struct CompleteUpload {
  s3::BucketName bucket;
  s3::ObjectKey key;
  std::string upload_id;
  std::vector<CompletePart> parts;         ///< ascending
  std::optional<ObjectChecksum> checksum;  ///< of the whole, verified or computed by the caller
  Instant modified;
  std::optional<Instant> removed_at;  ///< as in PutObject
  std::optional<EventOrigin> event;
  WriteCondition condition;
};

/// Buckets, objects and multipart uploads.
///
/// Durability: when a write returns a value, its rows (object and outbox) are committed and synced in one transaction,
/// and its bytes are synced (promise P1). When it returns an error nothing of it is visible. Errors everywhere: code
/// NoSuchBucket, NoSuchKey, NoSuchUpload (not_found); transient with code SlowDown or ServiceUnavailable when the disk
/// is full or writes are refused (see writable()); internal for I/O errors; corrupt. Thread safety: any number of calls
/// at a time, from any executor.
class BucketStore : public LifecycleStore {
 public:
  virtual Awaitable<Result<std::vector<BucketInfo>>> list_buckets() = 0;
  virtual Awaitable<Result<BucketInfo>> head_bucket(s3::BucketName bucket) = 0;
  /// Errors: conflict (code BucketAlreadyOwnedByYou).
  virtual Awaitable<Status> create_bucket(s3::BucketName bucket, Instant created) = 0;
  /// Errors: conflict (code BucketNotEmpty; multipart uploads in progress are aborted).
  virtual Awaitable<Status> delete_bucket(s3::BucketName bucket) = 0;

  /// `expected_bytes` decides where the body goes; absent: not known.
  virtual Awaitable<Result<std::unique_ptr<BodyWriter>>> create_body(std::optional<std::uint64_t> expected_bytes) = 0;

  /// A body as it announces itself.
  struct AnnouncedBody {
    s3::BucketName bucket;
    s3::ObjectKey key;
    std::uint64_t size_bytes = 0;  ///< 0: not known
    std::string upload_id;         ///< of the upload that it is a part of; empty: it is to be the object itself
    unsigned part = 0;
  };
  /// Whether the bucket may hold that much more by now; the write itself looks again, in its transaction.
  /// Errors: denied with code QuotaExceeded, as for put_object(), put_part() and complete_upload().
  virtual Awaitable<Status> check_quota(AnnouncedBody body) = 0;

  /// Makes the finished body visible under the key; the ETag is its MD5. What was there before is gone.
  /// Errors: conflict or not_found with code PreconditionFailed, ConditionalRequestConflict or NoSuchKey (condition).
  virtual Awaitable<Result<ObjectInfo>> put_object(PutObject put, std::unique_ptr<BodyWriter> body) = 0;
  virtual Awaitable<Result<ObjectInfo>> head_object(s3::BucketName bucket, s3::ObjectKey key) = 0;

  struct OpenObject {
    ObjectInfo info;
    std::unique_ptr<BodyReader> body;
  };
  virtual Awaitable<Result<OpenObject>> open_object(s3::BucketName bucket, s3::ObjectKey key) = 0;
  /// SHA-256 (raw) of the object with that sequencer; computed by reading it once where the row does not have it, then
  /// kept. Errors: not_found when it is gone or replaced.
  virtual Awaitable<Result<std::string>> object_sha256(s3::BucketName bucket, s3::ObjectKey key,
                                                       std::string sequencer) = 0;

  struct DeleteOutcome {
    s3::ObjectKey key;
    bool existed = false;
  };
  /// Deletes all named keys in one transaction; a key that does not exist is no error.
  virtual Awaitable<Result<std::vector<DeleteOutcome>>> delete_objects(s3::BucketName bucket,
                                                                       std::vector<s3::ObjectKey> keys) = 0;
  virtual Awaitable<Result<ListPage>> list_objects(ListRequest request) = 0;

  virtual Awaitable<Result<UploadInfo>> create_upload(s3::BucketName bucket, UploadInfo upload) = 0;
  /// Replaces a part of the same number.
  virtual Awaitable<Result<PartInfo>> put_part(s3::BucketName bucket, s3::ObjectKey key, std::string upload_id,
                                               unsigned number, std::optional<ObjectChecksum> checksum,
                                               Instant modified, std::unique_ptr<BodyWriter> body) = 0;
  virtual Awaitable<Result<UploadInfo>> head_upload(s3::BucketName bucket, s3::ObjectKey key,
                                                    std::string upload_id) = 0;
  /// Parts with a number above `after`, ascending, at most `max_parts`.
  virtual Awaitable<Result<std::vector<PartInfo>>> list_parts(s3::BucketName bucket, s3::ObjectKey key,
                                                              std::string upload_id, unsigned after,
                                                              std::size_t max_parts) = 0;
  virtual Awaitable<Result<UploadsPage>> list_uploads(ListUploadsRequest request) = 0;
  /// Makes the parts one object without copying them; parts not named are removed. A repeat of a completion that was
  /// committed (same upload id) returns the same object.
  /// Errors: invalid_argument (code InvalidPart, InvalidPartOrder, EntityTooSmall: a part but the last under 5 MiB).
  virtual Awaitable<Result<ObjectInfo>> complete_upload(CompleteUpload complete) = 0;
  virtual Awaitable<Status> abort_upload(s3::BucketName bucket, s3::ObjectKey key, std::string upload_id) = 0;

  /// Removes up to `limit` objects whose removal time has come: rows, keys and files. Returns how many; the files of
  /// removed bodies are unlinked before it returns, or at the next start.
  virtual Awaitable<Result<std::size_t>> remove_expired(Instant now, std::size_t limit) = 0;
  /// When the next object is to be removed; empty when none is.
  virtual Awaitable<Result<std::optional<Instant>>> next_removal() = 0;

  /// Whether writes are taken; the error says why not (failed fsync, disk full), for /_/readyz.
  virtual Status writable() const = 0;
};

}  // namespace s3link::ports
