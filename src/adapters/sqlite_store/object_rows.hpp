#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/sqlite_store/body_set.hpp"
#include "adapters/sqlite_store/body_writer.hpp"
#include "adapters/sqlite_store/commit_queue.hpp"
#include "adapters/sqlite_store/connection.hpp"
#include "ports/bucket_store.hpp"

namespace s3link::sqlite_store {

/// SQL over the tables `buckets`, `objects` and `bodies`, inside the caller's transaction. As everywhere on a
/// Connection, failures of the database show in its error(), not here.

/// `buckets.id`. Errors: not_found, code NoSuchBucket.
Result<std::int64_t> find_bucket(Connection& db, const s3::BucketName& bucket);

/// A row of `objects`.
struct ObjectRow {
  ports::ObjectInfo info;  ///< without part_sizes
  std::int64_t body_set = 0;
  std::size_t parts = 0;  ///< 0: not multipart
};

/// Empty when there is none, or its removal time is not after `now`. Errors: corrupt (the row does not fit its seal).
Result<std::optional<ObjectRow>> find_object(Connection& db, std::int64_t bucket, const s3::BucketName& name,
                                             const s3::ObjectKey& key, Instant now);
/// Gives a multipart object's info its part_sizes. Errors: corrupt.
Status add_part_sizes(Connection& db, ObjectRow& object);
/// Errors: corrupt.
Result<std::unique_ptr<BodySet>> read_body_set(Connection& db, std::int64_t body_set);

/// If-Match and If-None-Match against what is there. Errors: as ports::BucketStore::put_object.
Status check_condition(Connection& db, const ports::WriteCondition& condition, std::int64_t bucket,
                       const s3::BucketName& name, const s3::ObjectKey& key, Instant now);

/// What put_object and complete_upload write.
struct NewObject {
  ports::ObjectInfo info;  ///< the sequencer is set by store_object
  std::int64_t body_set = 0;
  std::size_t parts = 0;  ///< 0: not multipart
  std::optional<ports::EventOrigin> event;
};

/// Replaces the row under the key with one whose removal is as the bucket's rules say, removes the bodies of the one
/// before, and adds the outbox row. Returns the info with its sequencer.
ports::ObjectInfo store_object(WriteTransaction& transaction, std::int64_t bucket, NewObject object,
                               const std::string& default_region);
/// PutObject with its finished body: condition, rows, event. Errors: as ports::BucketStore::put_object.
Result<ports::ObjectInfo> put_object_in(WriteTransaction& transaction, ports::PutObject put, FinishedBody& content,
                                        Instant now, const std::string& default_region);
/// Adds a row of `bodies` (and of `small_bodies`); the body's file joins the commit.
void insert_body(WriteTransaction& transaction, std::int64_t body_set, unsigned part, FinishedBody& body,
                 const std::optional<ports::PartInfo>& about_part);
/// Removes one body's rows; its file becomes garbage. What a damaged row points to, maybe another's, stays where it is:
/// without the row nobody can read it.
void discard_body(WriteTransaction& transaction, std::int64_t body_set, unsigned part);
void discard_body_set(WriteTransaction& transaction, std::int64_t body_set);
/// Removes an object with all it has, but nothing that another has, too, as damaged rows may say. False: there was
/// none, or its removal time was not after `now`.
bool remove_object(WriteTransaction& transaction, std::int64_t bucket, std::string_view key, Instant now);

}  // namespace s3link::sqlite_store
